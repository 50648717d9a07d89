#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// Letters to insert, drop, replace or swap with their neighbour to turn one word into the other. If it takes more than `most`, some number
/// above that, found with less work.
std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most = std::string_view::npos);

/// The word most like `typed`, or empty if none is near enough to be what was meant.
std::string_view closest_word(std::string_view typed, std::span<const std::string_view> words);

/// The same for the keys of one request, of which there may be any number: each different one is looked up once, and `kMost` in all. Those
/// behind have no suggestion.
class Suggestions {
 public:
  static constexpr std::size_t kMost = 100;

  /// The key of `table` most like `typed`, or empty. A table is known by its place.
  template <class Row>
  std::string_view closest_key(std::string_view typed, std::span<const Row> table) {
    if (const auto known = recall(typed, table.data())) return *known;
    std::vector<std::string_view> keys;
    for (const Row& row : table) keys.push_back(row.key);
    return look_up(typed, table.data(), keys);
  }

 private:
  /// What is known without looking: nothing if that has to be done.
  [[nodiscard]] std::optional<std::string_view> recall(std::string_view typed, const void* table) const;
  std::string_view look_up(std::string_view typed, const void* table, std::span<const std::string_view> keys);

  std::map<std::pair<const void*, std::string>, std::string_view> found_;
};

}  // namespace tidelog::broker
