#pragma once

#include "tests/attack/frames.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string_view>

namespace tidelog::attack {

/// What a frame asks, by its own header. Needs a whole frame of a served API.
ApiVersion asked_by(std::string_view frame);
/// Every error that an answer tells, at any depth, success (0) included; nothing if it cannot be read. Knows no API by name.
std::optional<std::set<std::int16_t>> errors_in(std::string_view payload, ApiVersion asked);

}  // namespace tidelog::attack
