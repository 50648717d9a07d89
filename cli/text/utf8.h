#pragma once

#include <cstddef>
#include <string_view>

namespace tidelog::cli {

/// Length of the UTF-8 sequence at the front, 0 if there is none that is valid. Needs a text that is not empty.
std::size_t utf8_sequence_bytes(std::string_view text);

bool is_utf8(std::string_view text);

}  // namespace tidelog::cli
