#pragma once

#include <set>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// Each name once, in the order they come. A second answer about the same group says nothing or, where it was deleted, the wrong thing; and
/// what is told of one group may be thousands of times as large as its name.
template <class Names>
std::vector<std::string_view> distinct(const Names& names) {
  std::set<std::string_view> seen;
  std::vector<std::string_view> each;
  for (const std::string_view name : names) {
    if (seen.insert(name).second) each.push_back(name);
  }
  return each;
}

}  // namespace tidelog::broker
