#pragma once

#include <string_view>

#include "proto/messages/error_codes.h"

namespace tidelog {

/// Kafka's name, upper case; "UNKNOWN_SERVER_ERROR" for a number nobody assigned.
std::string_view name(ErrorCode code);

/// Whether a client may try the same again.
bool retriable(ErrorCode code);

}  // namespace tidelog
