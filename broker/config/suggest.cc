#include "broker/config/suggest.h"

#include <algorithm>
#include <numeric>

namespace tidelog::broker {
namespace {

// Longer input is no typo.
constexpr std::size_t kMaxWordBytes = 128;

/// A third of the letters may be wrong, up to five: more, and the suggestion is a guess.
std::size_t tolerance(std::string_view typed) { return std::clamp<std::size_t>(typed.size() / 3, 1, 5); }

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > most) return most + 1;
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
    // Whatever comes is reached from one of these two rows, and costs no less.
    if (std::min(std::ranges::min(before_last), std::ranges::min(last)) > most) return most + 1;
  }
  return last[b.size()];
}

std::string_view closest_word(std::string_view typed, std::span<const std::string_view> words) {
  if (typed.size() > kMaxWordBytes) return {};
  std::string_view best;
  std::size_t most = tolerance(typed);
  for (const std::string_view word : words) {
    const std::size_t distance = edit_distance(typed, word, most);
    if (distance > most) continue;
    best = word;
    if (distance == 0) break;
    most = distance - 1;  // The next one has to be nearer.
  }
  return best;
}

std::optional<std::string_view> Suggestions::recall(std::string_view typed, const void* table) const {
  if (typed.size() > kMaxWordBytes) return std::string_view();
  const auto known = found_.find({table, std::string(typed)});
  if (known != found_.end()) return known->second;
  return found_.size() < kMost ? std::nullopt : std::optional(std::string_view());
}

std::string_view Suggestions::look_up(std::string_view typed, const void* table, std::span<const std::string_view> keys) {
  return found_[{table, std::string(typed)}] = closest_word(typed, keys);
}

}  // namespace tidelog::broker
