#pragma once

#include <string>
#include <string_view>

namespace tidelog::broker {

/// `message` as the inside of a JSON string: quotes, backslashes and control characters escaped, bytes that are no UTF-8 replaced. Used for
/// text lines too, so that a client id cannot forge a second line. Longer than 8 KiB is cut.
std::string escape_line(std::string_view message);

}  // namespace tidelog::broker
