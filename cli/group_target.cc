#include "cli/group_target.h"

#include "cli/offset_range.h"

#include <algorithm>
#include <charconv>

namespace tidelog::cli {
namespace {

constexpr std::string_view kGroupPrefix = "group:";

template <class T>
std::optional<T> parse_count(std::string_view text) {
  T number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

error no_target(std::string_view text) {
  error wrong(errc::invalid_argument, "\"" + std::string(text) + "\" is not where a group can go");
  return wrong.set_hint("earliest, latest, 42, @1700000000000, @-2h, +10 or -10 (from where it is), group:NAME");
}

}  // namespace

result<SeekTarget> parse_seek_target(std::string_view text, std::int64_t now_ms) {
  SeekTarget target;
  if (text.starts_with(kGroupPrefix) && text.size() > kGroupPrefix.size()) {
    target.kind = SeekTarget::Kind::group;
    target.group = text.substr(kGroupPrefix.size());
    return target;
  }
  if (text.starts_with('+') || text.starts_with('-')) {
    const auto count = parse_count<std::int64_t>(text.substr(1));
    if (!count || text[1] == '-') return no_target(text);
    target.kind = SeekTarget::Kind::shift;
    target.shift = text.front() == '-' ? -*count : *count;
    return target;
  }
  const result<OffsetRange> range = parse_offset_range(text, now_ms);
  const bool is_range = text.find(':') != std::string_view::npos;
  if (!range || is_range) return no_target(text);
  target.place = range->from;
  return target;
}

std::optional<std::int64_t> offset_after(const SeekTarget& target, const SeekPoint& point) {
  std::optional<std::int64_t> wanted = point.found;
  if (target.kind == SeekTarget::Kind::shift) {
    if (!point.committed) return std::nullopt;
    // Held within the partition first: what was committed can be anything, and a sum of two such numbers may not fit.
    const std::int64_t from = std::clamp(*point.committed, point.start, std::max(point.start, point.end));
    const bool is_past_end = target.shift > point.end - from;
    const bool is_before_start = target.shift < point.start - from;
    wanted = is_past_end ? point.end : is_before_start ? point.start : from + target.shift;
  }
  if (!wanted) return std::nullopt;
  return std::clamp(*wanted, point.start, std::max(point.start, point.end));
}

bool TopicSelector::covers(std::string_view name, std::int32_t partition) const {
  if (name != topic) return false;
  return partitions.empty() || std::ranges::find(partitions, partition) != partitions.end();
}

result<TopicSelector> parse_topic_selector(std::string_view text) {
  const std::size_t colon = text.find(':');
  TopicSelector selector{.topic = std::string(text.substr(0, colon)), .partitions = {}};
  error wrong(errc::invalid_argument, "\"" + std::string(text) + "\" is not a topic, nor partitions of one");
  wrong.set_hint("write it as TOPIC, TOPIC:0 or TOPIC:0,2");
  if (selector.topic.empty()) return wrong;
  if (colon == std::string_view::npos) return selector;
  std::string_view left = text.substr(colon + 1);
  for (bool is_more = true; is_more;) {
    const std::size_t comma = left.find(',');
    const auto index = parse_count<std::int32_t>(left.substr(0, comma));
    if (!index) return wrong;
    selector.partitions.push_back(*index);
    is_more = comma != std::string_view::npos;
    left = is_more ? left.substr(comma + 1) : std::string_view{};
  }
  return selector;
}

}  // namespace tidelog::cli
