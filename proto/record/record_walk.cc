#include "proto/record/record_walk.h"

#include "proto/record/plain_run.h"
#include "proto/record/record.h"
#include "proto/record/utf8.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tidelog::proto {
namespace {

constexpr TimestampMs kNoTimestamp{-1};

/// The timestamps a topic takes under CreateTime. "None" is always among them.
class TimestampBounds {
 public:
  explicit TimestampBounds(const ValidationRules& rules) : is_checked_(rules.timestamp_type == TimestampType::create_time) {
    constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
    constexpr std::int64_t kGreatest = std::numeric_limits<std::int64_t>::max();
    // The configured "no limit" is the greatest number, which has to stay without effect after the subtraction.
    if (rules.timestamp_before_max_ms == kGreatest || __builtin_sub_overflow(rules.now.value, rules.timestamp_before_max_ms, &least_)) {
      least_ = kLeast;
    }
    if (__builtin_add_overflow(rules.now.value, rules.timestamp_after_max_ms, &greatest_)) greatest_ = kGreatest;
  }

  [[nodiscard]] bool admit(TimestampMs timestamp) const {
    return !is_checked_ || timestamp == kNoTimestamp || (timestamp.value >= least_ && timestamp.value <= greatest_);
  }
  /// Whether all timestamps between these two are in bounds, ends included.
  [[nodiscard]] bool admit_all(TimestampMs least, TimestampMs greatest) const {
    return !is_checked_ || (least.value >= least_ && greatest.value <= greatest_);
  }
  [[nodiscard]] bool is_checked() const { return is_checked_; }

  [[nodiscard]] std::string message() const {
    return "Timestamps must lie between " + std::to_string(least_) + " and " + std::to_string(greatest_) +
           " (message.timestamp.before.max.ms, message.timestamp.after.max.ms). Correct the producer's clock or the limits.";
  }

 private:
  bool is_checked_;
  std::int64_t least_ = 0;
  std::int64_t greatest_ = 0;
};

/// One pass over the records of a batch.
class Walk {
 public:
  Walk(const BatchView& batch, const ValidationRules& rules)
      : base_(batch.base_timestamp()), max_(kNoTimestamp), bounds_(rules), needs_keys_(rules.is_compacted && !batch.is_control()) {}

  /// What is wrong with record `index` beyond repair, in half a sentence; empty if nothing.
  [[nodiscard]] std::string_view take(const RawRecord& record, std::int32_t index) {
    if (record.offset_delta != index) return "its offset delta is not its place in the batch";
    if (record.key_length < -1) return "its key length is below -1";
    if (record.value_length < -1) return "its value length is below -1";
    for (const RecordHeader& header : record.headers) {
      if (!is_utf8(header.name)) return "the name of a header is not UTF-8";
    }
    if (needs_keys_ && record.key_length < 0) note(keyless_, index);
    take_timestamp(record.timestamp_delta, index);
    return {};
  }

  /// Takes a run as a whole. False, with nothing taken, if a timestamp in it has to be looked at by itself.
  [[nodiscard]] bool take(const PlainRun& run) {
    if (run.count == 0) return true;
    TimestampMs least;
    TimestampMs greatest;
    if (__builtin_add_overflow(base_.value, run.least_delta, &least.value)) return false;
    if (__builtin_add_overflow(base_.value, run.greatest_delta, &greatest.value)) return false;
    if (!bounds_.admit_all(least, greatest)) return false;
    max_ = std::max(max_, greatest);
    return true;
  }

  [[nodiscard]] bool needs_keys() const { return needs_keys_; }

  [[nodiscard]] Result<TimestampMs, BatchError> finish() {
    if (!keyless_.empty()) {
      return BatchError{.code = ErrorCode::invalid_record,
                        .message = "The topic is compacted: every record needs a key.",
                        .record_indexes = std::move(keyless_)};
    }
    if (!untimely_.empty()) {
      return BatchError{.code = ErrorCode::invalid_timestamp, .message = bounds_.message(), .record_indexes = std::move(untimely_)};
    }
    return max_;
  }

 private:
  static void note(std::vector<std::int32_t>& indexes, std::int32_t index) {
    if (indexes.size() < kMaxRecordIndexes) indexes.push_back(index);
  }

  /// The record's own time even if the batch claims LogAppendTime: under CreateTime that flag is cleared on storing, and readers will
  /// then see this time.
  void take_timestamp(std::int64_t delta, std::int32_t index) {
    TimestampMs timestamp;
    const bool overflows = __builtin_add_overflow(base_.value, delta, &timestamp.value);
    if ((overflows && bounds_.is_checked()) || !bounds_.admit(timestamp)) return note(untimely_, index);
    max_ = std::max(max_, timestamp);
  }

  TimestampMs base_;
  TimestampMs max_;
  TimestampBounds bounds_;
  bool needs_keys_;
  std::vector<std::int32_t> keyless_;
  std::vector<std::int32_t> untimely_;
};

BatchError fault(std::int32_t index, std::string_view what) {
  return {
      .code = ErrorCode::invalid_record,
      .message = "Record " + std::to_string(index) + " of the batch is malformed: " + std::string(what) + ". Fix the client that wrote it.",
      .record_indexes = {}};
}

/// Takes the records from `index` up to `end` one by one. What is wrong with the first that is beyond repair, or nothing.
std::optional<BatchError> take_each(Walk& walk, Bytes& records, std::int32_t index, std::int32_t end) {
  RawRecord record;
  for (; index < end; ++index) {
    const RecordFault bad = parse_record(records, record);
    const std::string_view what = bad == RecordFault::none ? walk.take(record, index) : describe(bad);
    if (!what.empty()) return fault(index, what);
  }
  return std::nullopt;
}

Result<TimestampMs, BatchError> finish(Walk& walk, Bytes behind) {
  if (behind.empty()) return walk.finish();
  return BatchError{.code = ErrorCode::invalid_record,
                    .message = "Bytes are left over behind the last record. The record count must count all records.",
                    .record_indexes = {}};
}

}  // namespace

Result<TimestampMs, BatchError> walk_records(const BatchView& batch, Bytes records, const ValidationRules& rules) {
  Walk walk(batch, rules);
  const std::int32_t count = batch.record_count();
  for (std::int32_t index = 0; index < count;) {
    const PlainRun run = take_plain_run(records, index, count, walk.needs_keys());
    const std::int32_t end = index + run.count;
    if (walk.take(run)) {
      records = records.subspan(run.size_bytes);
      index = end;
    }
    if (index == count) break;  // Nearly always at once.
    // One more than the run, since that is the record that ended it.
    const std::int32_t next = end + (end < count ? 1 : 0);
    if (std::optional<BatchError> error = take_each(walk, records, index, next)) return *std::move(error);
    index = next;
  }
  return finish(walk, records);
}

Result<TimestampMs, BatchError> walk_records_one_by_one(const BatchView& batch, Bytes records, const ValidationRules& rules) {
  Walk walk(batch, rules);
  if (std::optional<BatchError> error = take_each(walk, records, 0, batch.record_count())) return *std::move(error);
  return finish(walk, records);
}

Result<TimestampMs, BatchError> check_max_timestamp(const BatchView& batch, const ValidationRules& rules) {
  const TimestampBounds bounds(rules);
  if (bounds.admit(batch.max_timestamp())) return batch.max_timestamp();
  return BatchError{.code = ErrorCode::invalid_timestamp, .message = bounds.message(), .record_indexes = {}};
}

}  // namespace tidelog::proto
