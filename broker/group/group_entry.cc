#include "broker/group/group_entry.h"

#include "broker/group/memory.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

constexpr std::string_view kConsumers = "consumer";

RetentionRule rule_of(const ClassicGroup& group) {
  const bool is_empty = group.state() == ClassicState::empty;
  if (group.protocol_type().empty()) return {.may_expire = is_empty};
  if (is_empty) return {.may_expire = true, .starts_at = group.empty_since()};
  return {.may_expire = group.protocol_type() == kConsumers && group.state() == ClassicState::stable};
}

RetentionRule rule_of(const ConsumerGroup& group) {
  if (!group.is_empty()) return {.may_expire = true};
  return {.may_expire = true, .starts_at = group.empty_since()};
}

}  // namespace

std::size_t GroupEntry::bytes() const {
  // By its name, and where what becomes due is kept.
  const std::size_t places = sizeof(std::string) + sizeof(std::pair<Moment, std::string_view>) + 2 * kNodeBytes;
  return sizeof(GroupEntry) + places + name.size() + offsets.bytes() + (classic ? classic->bytes() : 0) +
         (consumer ? consumer->bytes() : 0);
}

bool GroupEntry::is_empty() const {
  if (classic) return classic->state() == ClassicState::empty;
  return !consumer || consumer->is_empty();
}

std::optional<Moment> GroupEntry::wake_at() const {
  if (classic) return classic->wake_at();
  return consumer ? consumer->wake_at() : std::nullopt;
}

bool GroupEntry::subscribes_to(std::string_view topic) const {
  if (is_empty()) return false;
  return classic ? classic->subscribes_to(topic) : consumer->subscribes_to(topic);
}

bool GroupEntry::is_idle_and_unstored() const {
  if (is_stored || is_simple()) return false;
  if (consumer) return consumer->is_empty();
  return !classic->has_members();
}

bool GroupEntry::may_vanish() const { return is_empty() && (!classic || !classic->has_members()); }

std::vector<GroupRecord> GroupEntry::tombstones() const {
  if (consumer) return consumer->tombstones();
  return {ClassicGroupRecord{.group = std::string(name), .value = std::nullopt}};
}

bool RetentionRule::is_expired(const StoredOffset& offset, TimestampMs now, std::chrono::milliseconds retention) const {
  if (!may_expire) return false;
  if (offset.expires_at() != TimestampMs{-1}) return now >= offset.expires_at();
  // What is stored may say any time; before 1970 is never, and no sum is made that could overflow.
  const TimestampMs start = std::max({offset.committed_at(), starts_at, TimestampMs{0}});
  return now >= start && now - start >= retention.count();
}

RetentionRule retention_rule(const GroupEntry& entry) {
  if (entry.classic) return rule_of(*entry.classic);
  if (entry.consumer) return rule_of(*entry.consumer);
  return {.may_expire = true};
}

}  // namespace tidelog::broker
