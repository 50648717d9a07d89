#pragma once

#include "broker/quota/name_digest.h"

namespace tidelog::broker {

/// Who asks for a share of something.
struct TurnTaker {
  NameDigest address{};     ///< Whom a limit of one address counts for.
  NameDigest connection{};  ///< One of that address's.
};

}  // namespace tidelog::broker
