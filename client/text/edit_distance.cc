#include "client/text/edit_distance.h"

#include <algorithm>
#include <vector>

namespace tidelog::core {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::size_t> cells((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> std::size_t& { return cells[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = i;
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = at(i - 1, j - 1) + (a[i - 1] == b[j - 1] ? 0 : 1);
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, replaced});
      const bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (is_swap) at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  }
  return at(a.size(), b.size());
}

std::string_view closest_word(std::string_view typed, std::span<const std::string_view> words) {
  constexpr std::size_t kLongest = 80;  // The table is quadratic, and nobody means a key that long.
  if (typed.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const std::string_view word : words) {
    const bool is_beginning = typed.size() >= 3 && word.starts_with(typed);
    const std::size_t distance = is_beginning ? 1 : edit_distance(typed, word);
    if (distance >= best_distance || distance >= std::max(typed.size(), word.size())) continue;
    best = word;
    best_distance = distance;
  }
  return best;
}

}  // namespace tidelog::core
