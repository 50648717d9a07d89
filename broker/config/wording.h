#pragma once

#include "broker/config/option.h"

#include <string>
#include <string_view>

// What people read about an option beside its meaning: in docs/configuration.md and from `tidelog config explain`.

namespace tidelog::broker {

std::string_view type_name(OptionType type);
/// The values allowed, as far as they are fewer than the type has; empty: all of them.
std::string allowed_text(const OptionInfo& info);
/// When a change takes effect.
std::string_view update_text(OptionUpdate update);

}  // namespace tidelog::broker
