#pragma once

#include <string>
#include <string_view>

namespace tidelog::cli {

/// `text` as a line that a terminal only shows. What clients choose, as the names of groups, may hold anything: tabs and line breaks become
/// blanks; other control characters (C0, DEL, C1), and bytes that are not UTF-8, question marks.
std::string legible(std::string_view text);

}  // namespace tidelog::cli
