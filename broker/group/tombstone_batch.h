#pragma once

#include "broker/group/group_entry.h"
#include "broker/group/records.h"

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// Tombstones that go to the log together. Groups of a million offsets are forgotten in several batches, or none would fit into the log.
class TombstoneBatch {
 public:
  static constexpr std::size_t kMostRecords = 1000;
  static constexpr std::size_t kMostBytes = 128UL * 1024;  ///< Names are long where somebody wants them to be.

  void add_offset(std::string_view group, const OffsetTable::Key& key) {
    bytes_ += group.size() + key.topic.size() + kOverhead;
    records_.emplace_back(
        OffsetRecord{.group = std::string(group), .topic = std::string(key.topic), .partition = key.partition, .value = std::nullopt});
  }
  void add_group(const GroupEntry& entry) {
    for (GroupRecord& record : entry.tombstones()) records_.push_back(std::move(record));
  }

  [[nodiscard]] bool is_full() const { return records_.size() >= kMostRecords || bytes_ >= kMostBytes; }
  [[nodiscard]] std::span<const GroupRecord> records() const { return records_; }
  void clear() { records_.clear(), bytes_ = 0; }

 private:
  static constexpr std::size_t kOverhead = 32;
  std::vector<GroupRecord> records_;
  std::size_t bytes_ = 0;
};

}  // namespace tidelog::broker
