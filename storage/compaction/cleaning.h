#pragma once

#include "storage/compaction/batch_filter.h"
#include "storage/compaction/batch_source.h"
#include "storage/compaction/segment_writer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace tidelog::storage {

/// What a cleaning may use.
struct CleaningMeans {
  std::size_t map_bytes = 0;  ///< For the keys.
  double load_factor = 0.9;
  std::size_t buffer_bytes = 512U << 10;  ///< For reading, and as many for writing.
  HashSecret secret{};
};

/// One pass over a log.
struct CleaningTask {
  LogPlace place;
  LogConfig config;
  CleaningPlan plan;
  LastBatches producers;
  TimestampMs now;
  CleaningMeans means;
};

/// What a pass came to.
struct CleaningCounts {
  FilterCounts filter;
  std::uint64_t keys = 0;
  std::uint64_t map_bytes = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t bytes_before = 0;  ///< Of the segments that were looked at,
  std::uint64_t bytes_after = 0;   ///< and of what is in their place.
  std::uint64_t segments_before = 0;
  std::uint64_t segments_after = 0;
};

/// One pass of compaction over one log, in steps that its owner may pause between:
///
///   mapping  the dirty records are read, and the newest offset of each key is noted, until all are or the map is full
///   copying  segment by segment, from the oldest on, what stays is written aside, several small ones into one
///   ready    a group is written and synced: its owner takes it (`Log::begin_swap`), carries out the swap, and goes on
///   done     the log is clean up to `cleaned().offset`; `is_partial`: keys did not fit, and another pass goes on from there
///
/// The first batch of a transaction has the whole log's headers read first, for how its transactions ended.
///
/// Thread: one at a time, one that may block. Crash: leaves a file of the first name in `swap.h` at most.
/// Invariant: groups are ready oldest first, and the next one is not begun before the swap of the last is durable: a tombstone never goes
/// before what it deletes.
class Cleaning {
 public:
  enum class State : std::uint8_t { working, ready, done };

  explicit Cleaning(CleaningTask task);
  Cleaning(const Cleaning&) = delete;
  Cleaning& operator=(const Cleaning&) = delete;
  ~Cleaning();

  /// Goes on until about `most_bytes` were read and written. An error ends the cleaning: `trouble` says where. Nothing that was not swapped
  /// has changed. Do not call it while a group is ready.
  Result<State> step(std::uint64_t most_bytes);
  /// The group that is ready. Call `step` again only when the swap is durable.
  CleanedSegment take_ready();

  [[nodiscard]] const CleaningTask& task() const { return task_; }
  /// Once done. It may be written down when everything that was taken is durable.
  [[nodiscard]] CleanedUpTo cleaned() const;
  [[nodiscard]] bool is_partial() const { return end_ < task_.plan.dirty_end; }
  [[nodiscard]] CleaningCounts counts() const;
  /// Read and written so far.
  [[nodiscard]] std::uint64_t moved_bytes() const { return counts_.read_bytes + counts_.written_bytes; }
  /// Of the last error: file and position, for people.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  enum class Phase : std::uint8_t { mapping, copying, done };

  Result<void> map_some();
  Result<void> map_batch(const proto::BatchView& batch);
  void begin_copying(Offset end);
  Result<void> copy_some();
  Result<void> end_group();
  Result<bool> open_segment(std::size_t at);
  [[nodiscard]] bool is_touched(std::size_t at) const;
  [[nodiscard]] bool joins(std::size_t at) const;
  Result<void> read_transaction_ends();
  Result<std::optional<proto::BatchView>> next_batch();
  Result<void> note_markers(const SegmentFacts& segment);
  [[nodiscard]] bool needs_ends(const proto::BatchView& batch) const;
  [[nodiscard]] std::uint64_t take_moved_bytes();
  Result<void> failed(Errc error);

  CleaningTask task_;
  OffsetMap map_;
  TransactionEnds ends_;
  bool knows_ends_ = false;
  BatchSource source_;
  Phase phase_ = Phase::mapping;
  std::size_t segment_ = 0;  ///< That `source_` reads or will read next.
  Offset end_;               ///< Of what the map knows.
  proto::RecordReader reader_;
  std::optional<BatchFilter> filter_;
  std::size_t group_ = 0;  ///< The first segment of those that become one.
  std::unique_ptr<SegmentWriter> writer_;
  std::optional<CleanedSegment> ready_;
  CleaningCounts counts_;
  std::string trouble_;
};

}  // namespace tidelog::storage
