#pragma once

#include "storage/config.h"
#include "storage/log/chain_check.h"
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

/// One file of a log, with its indexes.
/// Life: opens its file and loads its index when first used; `cool` drops both. An index file that is missing, stale or garbage is
/// rebuilt from the log, and one that turns out wrong in use as well.
/// Thread: the owner's; the file may be synced and read elsewhere.
/// Invariant: but for its holes, the first `size_bytes` are whole batches, each going on from the one before; `synced_bytes` <=
/// `size_bytes`. `Errc::corrupt` from any call: they are not, and `examine` finds where.
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
  /// What is known to be damaged of it, in order: it is stepped over.
  void set_holes(std::vector<DamagedRange> holes);
  [[nodiscard]] const std::vector<DamagedRange>& holes() const { return holes_; }
  [[nodiscard]] bool has_holes() const { return !holes_.empty(); }
  [[nodiscard]] bool ends_with_hole() const { return has_holes() && holes_.back().end_position == size_bytes_; }
  /// Goes over all headers and says what is damaged. `end`: where the next segment begins, or the log's end. Nothing the second time, as
  /// long as nothing was appended: it costs much.
  Result<std::vector<DamagedRange>> examine(Offset end);
  /// Whether batches from `from` to `to`, boundaries, were seen to go on one from the other, all the way: by this call or before. Reads
  /// headers only, unless they lie on the disk alone: then it is false, and `storage::check_chain` is for a thread that may wait.
  Result<bool> check_chain(const Boundary& from, const Boundary& to);

  /// Makes the file. One that is there already must be empty: a roll that failed left it.
  Result<void> make_file();
  /// For reading: also of a disk that is read-only.
  Result<std::shared_ptr<File>> file();
  Result<std::shared_ptr<File>> writable_file();
  /// Over the batches from `position` on, `file` being this one's. The segment outlives it.
  [[nodiscard]] HeaderWalk walk_from(const File& file, std::uint64_t position) const;
  /// Batches were written at the end. The index takes them if it is loaded, as it is from `index` until `cool`.
  void grow(const BatchHeader& batch);
  /// The log was cut back: what lies from `size_bytes` on is not of it any more. `holes`: what of the rest is damaged.
  void shrink(std::uint64_t size_bytes, std::vector<DamagedRange> holes);

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
  /// The same for the batch that holds `offset`, as near as the index knows: reads one header at most.
  Result<std::uint64_t> position_before(Offset offset);

  /// Takes over a file that does not have its name yet, and its index. Both stay until `unpin`, whatever happens to names meanwhile.
  void adopt(std::shared_ptr<File> file, std::unique_ptr<SegmentIndex> index);
  void unpin() { is_pinned_ = false; }
  /// Drops the index and closes the file. A dirty one stays open: an error of its write-back is told to those that had it open.
  void cool();
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  Result<void> load_index();
  Result<bool> read_index_files(SegmentIndex& index);
  Result<void> rebuild_index();
  [[nodiscard]] std::string path(std::string_view suffix) const;
  template <class Choose>
  Result<void> seek(HeaderWalk& walk, Choose choose, const Boundary& otherwise);

  const LogPlace& place_;
  const LogConfig& config_;
  Offset base_;
  std::uint64_t size_bytes_;
  std::uint64_t synced_bytes_ = 0;
  bool has_unsynced_cut_ = false;
  std::vector<DamagedRange> holes_;
  std::uint64_t examined_bytes_ = UINT64_MAX;
  std::uint64_t chained_from_ = 0;  ///< Batches between these positions go on one from the other.
  std::uint64_t chained_to_ = 0;
  bool is_pinned_ = false;
  std::shared_ptr<File> file_;
  bool is_writable_ = false;  ///< `file_`
  std::unique_ptr<SegmentIndex> index_;
  bool is_broken_ = false;                      ///< Its batches do not hang together: no use in reading it all again for every lookup.
  std::optional<SegmentIndex::Newest> newest_;  ///< From the last time the index was there; only of a segment that grows no more.
};

/// Writes a file of ours that can be rebuilt: beside it, then renamed, not synced.
Result<std::shared_ptr<File>> write_unsynced(FileSystem& files, const std::string& path, std::string_view contents);

}  // namespace tidelog::storage
