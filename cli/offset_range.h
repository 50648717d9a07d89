#pragma once

#include <tidelog/consumer.h>
#include <tidelog/result.h>

#include <optional>
#include <string_view>

namespace tidelog::cli {

/// What `-o` says: where to begin, and where to stop if it says so.
struct OffsetRange {
  offset_spec from = offset_spec::start();
  std::optional<offset_spec> until;
};

/// `start`, `end`, `N`, `-N` (before the end), `@MS` (time), `@-2h` (time ago: s m h d); two of them as `FROM:UNTIL`, either may be left
/// out: `:end` is from the start, `5:` goes on. UNTIL is not read itself. `now_ms` is what times ago are counted from.
result<OffsetRange> parse_offset_range(std::string_view text, std::int64_t now_ms);

}  // namespace tidelog::cli
