#pragma once

#include "storage/compaction/last_batches.h"
#include "storage/compaction/plan.h"
#include "tests/support/plain_batch.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace tidelog::testing {

/// What compaction has to come to, written down as plainly as can be: every record in memory, a plain map, no file, no pass by pass.
class ReferenceCleaner {
 public:
  struct Rules {
    storage::CleaningPlan plan;
    TimestampMs now;
    std::int64_t delete_retention_ms = 0;
    std::size_t map_capacity = 0;
    storage::LastBatches producers;
    std::optional<proto::Codec> codec;
  };

  ReferenceCleaner(const std::vector<PlainBatch>& log, Rules rules) : log_(log), rules_(std::move(rules)) {
    for (const storage::SegmentFacts& segment : rules_.plan.segments) known_end_ = segment.end;
    find_end();
    for (const storage::SegmentFacts& segment : rules_.plan.segments) {
      if (segment.base < end_) rewritten_end_ = segment.end;
    }
    if (end_ == rules_.plan.dirty_from && rules_.plan.reason != storage::CleaningReason::horizon) rewritten_end_ = {0};
  }

  /// Where the pass has to end.
  [[nodiscard]] Offset end() const { return end_; }

  /// The batches that have to be left, without those that only span offsets.
  [[nodiscard]] std::vector<PlainBatch> result() const {
    std::vector<PlainBatch> left;
    for (std::size_t i = 0; i < log_.size(); ++i) {
      const bool is_touched = log_[i].base >= rules_.plan.segments.front().base && log_[i].base < rewritten_end_;
      const std::optional<PlainBatch> kept = is_touched ? cleaned(i) : std::optional(log_[i]);
      if (kept) left.push_back(*kept);
    }
    return left;
  }

 private:
  enum class Outcome { plain, open, committed, aborted };

  static bool is_marker(const PlainBatch& batch) { return batch.is_control && batch.producer.value >= 0; }

  [[nodiscard]] Outcome outcome_of(std::size_t at) const {
    if (!log_[at].is_transactional || log_[at].is_control) return Outcome::plain;
    for (std::size_t i = at + 1; i < log_.size() && log_[i].base < known_end_; ++i) {
      if (!is_marker(log_[i]) || log_[i].producer != log_[at].producer || log_[i].records.empty()) continue;
      return (*log_[i].records[0].key)[3] == 0 ? Outcome::aborted : Outcome::committed;
    }
    return Outcome::open;
  }

  void find_end() {
    end_ = rules_.plan.dirty_end;
    const Offset from = std::max(rules_.plan.dirty_from, rules_.plan.log_start);
    for (std::size_t i = 0; i < log_.size(); ++i) {
      const PlainBatch& batch = log_[i];
      if (batch.is_control || batch.last < from || batch.base >= rules_.plan.dirty_end || batch.records.empty()) continue;
      const Outcome outcome = outcome_of(i);
      if (outcome == Outcome::open) return void(end_ = std::max(rules_.plan.dirty_from, batch.base));
      if (outcome == Outcome::aborted) continue;
      for (const PlainRecord& record : batch.records) {
        if (record.offset < from || !record.key) continue;
        if (!newest_.contains(*record.key) && newest_.size() == rules_.map_capacity) return void(end_ = record.offset);
        newest_[*record.key] = record.offset;
      }
    }
  }

  [[nodiscard]] bool stays(const PlainRecord& record, const PlainBatch& batch) const {
    if (record.offset < rules_.plan.log_start) return false;
    if (record.offset >= end_) return true;
    if (!record.key) return false;
    const auto newest = newest_.find(*record.key);
    if (newest != newest_.end() && newest->second > record.offset) return false;
    return record.value || !batch.horizon || rules_.now < *batch.horizon;
  }

  [[nodiscard]] std::optional<PlainBatch> emptied_or_nothing(const PlainBatch& batch) const {
    const auto known = rules_.producers.find(batch.producer.value);
    if (batch.producer.value < 0 || known == rules_.producers.end()) return std::nullopt;
    const storage::LastBatch& last = known->second;
    const bool is_last =
        last.last_offset.value < 0 ? batch.is_control && last.epoch == batch.producer_epoch : last.last_offset == batch.last;
    if (!is_last) return std::nullopt;
    PlainBatch emptied = batch;
    if (batch.records.empty()) return emptied;
    emptied.records.clear();
    emptied.horizon.reset();
    emptied.codec = proto::Codec::none;
    return emptied;
  }

  [[nodiscard]] bool has_batches_before(std::size_t marker) const {
    for (std::size_t i = marker; i-- > 0;) {
      if (log_[i].base < rules_.plan.segments.front().base) return false;
      if (log_[i].producer != log_[marker].producer || log_[i].records.empty()) continue;
      if (log_[i].is_control) return false;
      if (log_[i].is_transactional) return true;
    }
    return false;
  }

  [[nodiscard]] std::optional<PlainBatch> cleaned_marker(std::size_t at) const {
    PlainBatch batch = log_[at];
    if (has_batches_before(at) || batch.last >= end_) return batch;
    if (batch.horizon && *batch.horizon <= rules_.now) return emptied_or_nothing(batch);
    if (!batch.horizon) batch.horizon = rules_.now + rules_.delete_retention_ms;
    return batch;
  }

  [[nodiscard]] std::optional<PlainBatch> cleaned(std::size_t at) const {
    PlainBatch batch = log_[at];
    if (batch.records.empty()) return emptied_or_nothing(batch);
    if (batch.is_control) return cleaned_marker(at);
    const Outcome outcome = outcome_of(at);
    if (outcome == Outcome::open) return batch;
    if (outcome == Outcome::aborted) return emptied_or_nothing(batch);
    std::vector<PlainRecord> records;
    bool has_tombstone = false;
    for (const PlainRecord& record : batch.records) {
      if (!stays(record, batch)) continue;
      records.push_back(record);
      has_tombstone = has_tombstone || (!record.value && record.offset < end_);
    }
    if (records.empty()) return emptied_or_nothing(batch);
    const bool sets_horizon = has_tombstone && !batch.horizon && batch.last >= rules_.plan.dirty_from && batch.last < end_;
    if (records.size() == batch.records.size() && !sets_horizon) return batch;
    if (sets_horizon) batch.horizon = rules_.now + rules_.delete_retention_ms;
    batch.records = std::move(records);
    if (rules_.codec && *rules_.codec != proto::Codec::none) batch.codec = *rules_.codec;
    if (!batch.has_append_time) {
      batch.max_timestamp = {-1};
      for (const PlainRecord& record : batch.records) batch.max_timestamp = std::max(batch.max_timestamp, record.timestamp);
    }
    return batch;
  }

  const std::vector<PlainBatch>& log_;
  Rules rules_;
  Offset known_end_{0};
  Offset rewritten_end_{0};
  Offset end_;
  std::map<std::string, Offset> newest_;
};

}  // namespace tidelog::testing
