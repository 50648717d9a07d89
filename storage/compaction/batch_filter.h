#pragma once

#include "proto/record/builder.h"
#include "proto/record/reader.h"
#include "storage/compaction/last_batches.h"
#include "storage/compaction/offset_map.h"
#include "storage/compaction/transactions.h"
#include "storage/config.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

namespace tidelog::storage {

/// What holds for every batch of a cleaning.
struct FilterRules {
  TimestampMs now;
  std::int64_t delete_retention_ms = 0;
  Offset log_start{0};                ///< What is below is deleted, whatever its key.
  Offset dirty_from{0};               ///< Below it an earlier cleaning has been.
  Offset end{0};                      ///< The map knows of every record in [dirty_from, end), and of none behind.
  std::optional<proto::Codec> codec;  ///< Of batches that are laid out anew; nothing, or none: what they had.
  std::size_t max_message_bytes = 0;  ///< Of the topic; what batches may open to follows from it.
  /// Of a batch that is laid out anew, before it is packed.
  std::size_t max_laid_out_bytes = 2 * kLargestOpenedBatch;
};

/// What a batch may open to. One that opens to more cannot be cleaned, nor the log that holds it: were it passed over, an older value in
/// it could come back once a newer tombstone goes.
inline proto::DecompressLimit opening_limit(const proto::BatchView& batch, std::size_t max_message_bytes) {
  return {.max_bytes = std::min(proto::decompressed_limit(std::max(batch.size_bytes(), max_message_bytes)), kLargestOpenedBatch)};
}

/// A producer writes where in its batch a record stands: one that claims a place outside would pass for its key's newest.
inline bool holds(const proto::BatchView& batch, const proto::RecordView& record) {
  return record.offset >= batch.base_offset() && record.offset <= batch.last_offset();
}

/// What a cleaning did, counted.
struct FilterCounts {
  std::uint64_t records = 0;
  std::uint64_t kept_records = 0;
  std::uint64_t kept_tombstones = 0;
  std::uint64_t expired_tombstones = 0;
  std::uint64_t keyless_records = 0;  ///< Dropped, as Kafka does: they came before the topic was compacted.
  std::uint64_t batches = 0;
  std::uint64_t kept_batches = 0;     ///< As they were.
  std::uint64_t rebuilt_batches = 0;  ///< Laid out anew, without some records or with a horizon.
  std::uint64_t emptied_batches = 0;  ///< Without records, for what they say of their producer.
  std::uint64_t fillers = 0;
};

/// Decides what becomes of the batches of a log, one after the other from the first on. Offsets never change, and there is no gap in what
/// comes out: where batches go, one empty batch without a producer (a filler) spans their offsets, so that a compacted log is read, checked
/// and replicated like any other. Fillers do not cross a change of the leader epoch, so batch headers still tell where epochs began.
///
/// Of a batch that keeps records, base and last offset, producer, epoch and sequence stay; its max timestamp is that of the records kept.
/// One that keeps none stays, emptied, if it is its producer's last. A tombstone that was the newest of its key when its batch was cleaned
/// first sets the batch's delete horizon (KIP-534): now and delete.retention.ms. Once that is over it goes.
/// A transaction marker goes in the same two steps when no batch of its transaction is left, and records of aborted ones at once.
///
/// Thread: one at a time. Pure: no clock, no file.
class BatchFilter {
 public:
  /// `map`, `producers` and `ends` outlive it.
  BatchFilter(const FilterRules& rules, const OffsetMap& map, const LastBatches& producers, const TransactionEnds& ends);

  /// Appends to `out` what becomes of the next batch, or keeps it in mind for a filler. `Errc::corrupt`, `too_large` or `unsupported`: it
  /// cannot be read, and `out` may hold part of it.
  Result<void> take(const proto::BatchView& batch, proto::ByteBuffer& out);
  /// Ends a file: a filler that waits is written.
  void finish(proto::ByteBuffer& out);

  /// Whether anything came out other than it went in, since this was asked last.
  [[nodiscard]] bool take_changed() { return std::exchange(has_changed_, false); }
  [[nodiscard]] const FilterCounts& counts() const { return counts_; }
  /// When the first of the tombstones and markers that are left may go; -1: there is none.
  [[nodiscard]] TimestampMs earliest_horizon() const { return earliest_horizon_; }

 private:
  struct Filler {
    Offset base;
    Offset last;
    LeaderEpoch epoch;
    TimestampMs max_timestamp;
  };
  using Horizon = std::optional<TimestampMs>;
  /// Which records of a batch stay.
  struct Kept {
    std::int32_t records = 0;
    std::int32_t of = 0;
    bool has_tombstone = false;
  };

  Result<void> take_control(const proto::BatchView& batch, proto::ByteBuffer& out);
  Result<Kept> select(const proto::BatchView& batch, const Horizon& horizon);
  [[nodiscard]] bool keeps(const proto::RecordView& record, const Horizon& horizon);
  Result<void> rebuild(const proto::BatchView& batch, const Horizon& horizon, proto::ByteBuffer& out);
  void lay_out(const proto::RecordView& record, Offset base);
  void keep(const proto::BatchView& batch, proto::ByteBuffer& out);
  void empty_or_drop(const proto::BatchView& batch, proto::ByteBuffer& out);
  void drop(const proto::BatchView& batch, proto::ByteBuffer& out);
  void flush_filler(proto::ByteBuffer& out);
  void note_horizon(TimestampMs horizon);
  [[nodiscard]] bool is_last_of_producer(const proto::BatchView& batch) const;
  [[nodiscard]] TimestampMs new_horizon() const;

  FilterRules rules_;
  const OffsetMap& map_;
  const LastBatches& producers_;
  const TransactionEnds& ends_;
  FilterCounts counts_;
  TimestampMs earliest_horizon_{-1};
  bool has_changed_ = false;
  std::optional<Filler> filler_;
  std::unordered_set<std::int64_t> in_transaction_;  ///< Producers with a batch since their last marker.
  proto::RecordReader reader_;
  std::vector<bool> stays_;  ///< Of the batch under way, record by record.
  proto::BatchBuilder builder_;
  std::vector<proto::RecordHeader> headers_;
};

}  // namespace tidelog::storage
