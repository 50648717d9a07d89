#pragma once

#include <tidelog/consumer.h>
#include <tidelog/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::cli {

/// What `--to` says: where a group shall go on.
struct SeekTarget {
  enum class Kind : std::uint8_t { place, shift, group };
  Kind kind = Kind::place;
  offset_spec place = offset_spec::start();
  std::int64_t shift = 0;  ///< Records forward from what is committed, or back.
  std::string group;       ///< Whose offsets are copied.
};

/// `earliest`, `latest`, `N`, `@MS`, `@-2h` (time ago), `+N` or `-N` (from where it is), `group:NAME`. `now_ms` is what times ago are
/// counted from.
result<SeekTarget> parse_seek_target(std::string_view text, std::int64_t now_ms);

/// What is known of a partition when its new offset is worked out.
struct SeekPoint {
  std::optional<std::int64_t> committed;
  std::int64_t start = 0;
  std::int64_t end = 0;
  /// What the place stands for in it, or what the other group has committed.
  std::optional<std::int64_t> found;
};

/// Where the group goes on in a partition, always within what it holds; none if that cannot be said: what is not committed cannot be
/// shifted.
std::optional<std::int64_t> offset_after(const SeekTarget& target, const SeekPoint& point);

/// `TOPIC` or `TOPIC:0,2`: all partitions, or these.
struct TopicSelector {
  std::string topic;
  std::vector<std::int32_t> partitions;
  [[nodiscard]] bool covers(std::string_view name, std::int32_t partition) const;
};
result<TopicSelector> parse_topic_selector(std::string_view text);

}  // namespace tidelog::cli
