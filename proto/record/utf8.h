#pragma once

#include <string_view>

namespace tidelog::proto {

/// Whether `text` is well-formed UTF-8: shortest forms only, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace tidelog::proto
