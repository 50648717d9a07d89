#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <string>

namespace tidelog::cli {

/// Appends bytes as hex digits, at most `most` of them.
void append_hex(std::string& out, Bytes bytes, std::size_t most);

/// `2026-01-31T12:00:00.123456Z`; the number itself where a calendar does not reach.
std::string utc_text(std::int64_t time_ns);
std::string utc_text_ms(std::int64_t time_ms);

}  // namespace tidelog::cli
