#pragma once

#include "broker/group/records.h"

#include <cstddef>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace tidelog::broker {

/// What a record is about: of two with the same, compaction keeps the later.
inline std::string key_of(const GroupRecord& record) {
  const std::string kind = std::to_string(record.index()) + " ";
  if (const auto* offset = std::get_if<OffsetRecord>(&record)) return kind + offset->topic + " " + std::to_string(offset->partition.value);
  if (const auto* member = std::get_if<ConsumerMemberRecord>(&record)) return kind + member->member;
  if (const auto* target = std::get_if<ConsumerTargetMemberRecord>(&record)) return kind + target->member;
  if (const auto* current = std::get_if<ConsumerCurrentMemberRecord>(&record)) return kind + current->member;
  if (const auto* regex = std::get_if<ConsumerRegexRecord>(&record)) return kind + regex->regex;
  return kind;
}

inline bool is_tombstone(const GroupRecord& record) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.value; }) return !one.value.has_value();
        return false;
      },
      record);
}

/// What compaction may leave of the log of one group, whose first `dirty_from` records it has cleaned.
inline std::vector<GroupRecord> compacted(const std::vector<GroupRecord>& log, std::size_t dirty_from, bool drop_tombstones) {
  std::map<std::string, std::size_t> last;
  for (std::size_t at = 0; at < dirty_from; ++at) last[key_of(log[at])] = at;
  std::vector<GroupRecord> left;
  for (std::size_t at = 0; at < log.size(); ++at) {
    const bool is_clean = at < dirty_from;
    if (is_clean && last[key_of(log[at])] != at) continue;
    if (is_clean && drop_tombstones && is_tombstone(log[at])) continue;
    left.push_back(log[at]);
  }
  return left;
}

}  // namespace tidelog::broker
