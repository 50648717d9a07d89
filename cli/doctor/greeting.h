#pragma once

#include "proto/base/types.h"

#include <string>

namespace tidelog::cli {

/// What the first bytes of an answer give away.
enum class Greeting : std::uint8_t { none, tls, http, other_text, unknown };

Greeting greeting_of(Bytes first);

/// The first words, in quotes, without anything a terminal would act on.
std::string quoted_greeting(Bytes first);

}  // namespace tidelog::cli
