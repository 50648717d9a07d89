#pragma once

#include "storage/log/batch_header.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tidelog::storage {

/// Sparse index of one segment, by offset and by time. A pure function of the segment's batches and the interval, so a rebuilt one is
/// equal. Entries are Kafka's: (last offset of a batch, where that batch begins) once more than `interval` bytes went by; and with each the
/// greatest timestamp so far, if it rose.
class SegmentIndex {
 public:
  struct Entry {
    std::uint32_t relative_offset;
    std::uint32_t position;
    bool operator==(const Entry&) const = default;
  };
  struct TimeEntry {
    TimestampMs timestamp;
    std::uint32_t relative_offset;  ///< Last offset of the first batch with that time as its greatest.
    bool operator==(const TimeEntry&) const = default;
  };
  /// The greatest timestamp of the segment and the last offset of the first batch that has it; -1: none.
  struct Newest {
    TimestampMs timestamp{-1};
    Offset offset{-1};
    bool operator==(const Newest&) const = default;
  };

  SegmentIndex(Offset base, std::uint32_t interval_bytes) : base_(base), interval_bytes_(interval_bytes) {}

  /// The next batch of the segment. Needs batches in order, at most 2^31 - 1 above the base.
  void add(const BatchHeader& batch, std::uint64_t position);

  /// The last entry whose batch ends at or below `offset`; null: start at the front of the segment.
  [[nodiscard]] const Entry* floor(Offset offset) const;
  /// The last entry whose batch begins at or below `position`.
  [[nodiscard]] const Entry* floor_position(std::uint64_t position) const;
  /// The last time entry strictly before `timestamp`: everything up to its batch is older.
  [[nodiscard]] const TimeEntry* before(TimestampMs timestamp) const;

  [[nodiscard]] Offset base() const { return base_; }
  [[nodiscard]] const Newest& newest() const { return newest_; }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }
  [[nodiscard]] const std::vector<TimeEntry>& times() const { return times_; }
  [[nodiscard]] std::size_t file_bytes() const;
  [[nodiscard]] std::size_t memory_bytes() const;

  /// File contents. The time index ends with the greatest timestamp even between entries, as Kafka's does, and then, if there are offset
  /// entries, with the seal.
  [[nodiscard]] std::string encode_offsets() const;
  [[nodiscard]] std::string encode_times() const;
  /// One time entry more, which Kafka takes for the end: its offset is the base, and its timestamp has the checksum of both files. So one
  /// that was cut, changed, or goes with another file is known.
  static std::string seal(Bytes offsets, Bytes times);
  static constexpr std::size_t kSealBytes = 12;

  /// Takes over what files say, for a segment of `size_bytes`; false if they cannot be right. Then `add` everything from the batch of the
  /// last entry on: `resume_position` says where it begins; that batch goes to `resume`.
  bool decode(Bytes offsets, Bytes times, std::uint64_t size_bytes);
  [[nodiscard]] std::uint64_t resume_position() const { return entries_.empty() ? 0 : entries_.back().position; }
  /// Takes the batch of the last entry; false if it is another one than the entry says.
  bool resume(const BatchHeader& batch);

 private:
  void note_time(const BatchHeader& batch);

  Offset base_;
  std::uint32_t interval_bytes_;
  std::uint64_t bytes_since_entry_ = 0;
  Newest newest_;
  std::vector<Entry> entries_;
  std::vector<TimeEntry> times_;
};

}  // namespace tidelog::storage
