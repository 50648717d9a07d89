#pragma once

#include "proto/base/types.h"

#include <string_view>

namespace tidelog {

/// The same bytes; null stays null.
inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace tidelog
