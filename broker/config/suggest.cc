#include "broker/config/suggest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace tidelog::broker {
namespace {

// Longer input is no typo, and the table below grows with the product of both lengths.
constexpr std::size_t kMaxWordBytes = 128;

/// A third of the letters may be wrong, up to five: more, and the suggestion is a guess.
std::size_t tolerance(std::string_view typed) { return std::clamp<std::size_t>(typed.size() / 3, 1, 5); }

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string_view closest_word(std::string_view typed, std::span<const std::string_view> words) {
  if (typed.size() > kMaxWordBytes) return {};
  std::string_view best;
  std::size_t best_distance = tolerance(typed) + 1;
  for (const std::string_view word : words) {
    const std::size_t distance = edit_distance(typed, word);
    if (distance < best_distance) {
      best_distance = distance;
      best = word;
    }
  }
  return best;
}

}  // namespace tidelog::broker
