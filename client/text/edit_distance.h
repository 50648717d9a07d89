#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace tidelog::core {

/// Letters to insert, drop, replace or swap with their neighbour to turn one word into the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The word most like `typed`, or empty if none is near enough to be what was meant.
std::string_view closest_word(std::string_view typed, std::span<const std::string_view> words);

}  // namespace tidelog::core
