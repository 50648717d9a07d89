#pragma once

#include "proto/messages/error_codes.h"

#include <string_view>

namespace tidelog {

/// Kafka's name, upper case; "UNKNOWN_SERVER_ERROR" for a number nobody assigned.
std::string_view name(ErrorCode code);

/// Whether a client may try the same again.
bool retriable(ErrorCode code);

}  // namespace tidelog
