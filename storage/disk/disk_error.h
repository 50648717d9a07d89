#pragma once

#include "proto/base/result.h"

#include <string_view>

namespace tidelog::storage {

/// What a failed file operation means, for messages: `name` says "refused" of a socket and of a disk alike, a person wants to know which.
std::string_view describe_disk_error(Errc code);

}  // namespace tidelog::storage
