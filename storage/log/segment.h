#pragma once

#include "storage/config.h"
#include "storage/log/header_walk.h"
#include "storage/log/identity.h"
#include "storage/log/segment_index.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace tidelog::storage {

/// A batch and where it stands in its segment.
struct BatchPlace {
  BatchHeader header;
  std::uint64_t position = 0;
  [[nodiscard]] std::uint64_t end_position() const { return position + header.size_bytes; }
};

/// A point between two batches: `offset` is the first one behind it.
struct Boundary {
  Offset offset;
  std::uint64_t position = 0;
};

/// One file of a log, with its indexes.
/// Life: opens its file and loads its index when first used; `cool` drops both. An index file that is missing, stale or garbage is
/// rebuilt from the log, and one that turns out wrong in use as well.
/// Thread: the owner's; the file may be synced and read elsewhere.
/// Invariant: the first `size_bytes` are whole batches with rising offsets; `synced_bytes` <= `size_bytes`.
class Segment {
 public:
  /// `place` and `config` are the log's and outlive the segment.
  Segment(const LogPlace& place, const LogConfig& config, Offset base, std::uint64_t size_bytes)
      : place_(place), config_(config), base_(base), size_bytes_(size_bytes) {}
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  [[nodiscard]] Offset base() const { return base_; }
  [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
  [[nodiscard]] std::uint64_t synced_bytes() const { return synced_bytes_; }
  void set_synced_bytes(std::uint64_t count) { synced_bytes_ = count; }
  [[nodiscard]] bool is_dirty() const { return synced_bytes_ < size_bytes_ || has_unsynced_cut_; }
  /// What a failed write left was cut off. Until that is synced, power loss can bring it back, between this segment and the next.
  void set_unsynced_cut(bool has_one) { has_unsynced_cut_ = has_one; }

  /// Makes the file. One that is there already must be empty: a roll that failed left it.
  Result<void> make_file();
  Result<std::shared_ptr<File>> file();
  /// Batches were written at the end. The index takes them if it is loaded, as it is from `index` until `cool`.
  void grow(const BatchHeader& batch);

  Result<const SegmentIndex*> index();
  /// The greatest timestamp; kept when the segment cools.
  Result<SegmentIndex::Newest> newest();
  /// Timestamp of the first batch, for segment.ms; -1 if there is none.
  Result<TimestampMs> first_timestamp();
  [[nodiscard]] bool index_is_full(std::size_t more_entries) const;
  /// Writes `.index` and `.timeindex`, unsynced.
  Result<void> write_index();

  /// The batch that holds `offset`, or the first behind it. `not_found`: all end below.
  Result<BatchPlace> find(Offset offset);
  /// The last boundary at or behind `from`, a boundary, that is neither above `position_limit` nor `offset_limit`.
  Result<Boundary> last_boundary(const Boundary& from, std::uint64_t position_limit, Offset offset_limit);
  /// Where to look for the first batch with a record at `timestamp` or later: all before it are older.
  Result<std::uint64_t> position_before(TimestampMs timestamp);

  /// Drops the index and closes the file. A dirty one stays open: an error of its write-back is told to those that had it open.
  void cool();
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  Result<void> load_index();
  Result<bool> read_index_files(SegmentIndex& index);
  Result<void> rebuild_index();
  [[nodiscard]] std::string path(std::string_view suffix) const;
  template <class Choose>
  Result<void> seek(HeaderWalk& walk, Choose choose, std::uint64_t otherwise);

  const LogPlace& place_;
  const LogConfig& config_;
  Offset base_;
  std::uint64_t size_bytes_;
  std::uint64_t synced_bytes_ = 0;
  bool has_unsynced_cut_ = false;
  std::shared_ptr<File> file_;
  std::unique_ptr<SegmentIndex> index_;
  bool is_broken_ = false;                      ///< Its batches do not hang together: no use in reading it all again for every lookup.
  std::optional<SegmentIndex::Newest> newest_;  ///< From the last time the index was there; only of a segment that grows no more.
};

/// Writes a file of ours that can be rebuilt: beside it, then renamed, not synced.
Result<std::shared_ptr<File>> write_unsynced(FileSystem& files, const std::string& path, std::string_view contents);

}  // namespace tidelog::storage
