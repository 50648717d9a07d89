#pragma once

#include "storage/disk/file_system.h"
#include "storage/journal/round.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::storage {

/// How many files of which size. A round lies in one file.
struct JournalShape {
  std::uint32_t files = 8;
  std::uint64_t file_bytes = 32U << 20;  ///< A multiple of the block, the file's own header block included.
  bool operator==(const JournalShape&) const = default;
};

/// Where a round is, or will be: what the manifest keeps, so that recovery knows where to begin.
struct JournalPosition {
  std::uint64_t run_id = 0;
  std::uint64_t round = 0;
  std::uint32_t file = 0;
  std::uint64_t position = 0;
  std::uint32_t previous_crc = 0;  ///< Of the header before it.
  bool operator==(const JournalPosition&) const = default;
};

/// The log directory that a journal belongs to.
struct JournalOwner {
  std::string log_dir;
  Uuid disk_id;
};

/// Files written in full before they are used, so that a round's sync has no metadata to write: `<log.dir>/journal/00`, `01` ...
/// Rounds follow each other through all files and then begin anew, over those that were released.
///
/// Life: `open` after recovery is done with what was there; ended by its destructor, which writes nothing.
/// Thread: one at a time; `write` blocks on the disk.
/// Crash: a round whose `write` returned is found by `read_journal`; another is there whole or not at all.
/// Invariant: no byte of a round that was not released is written again (I4). A failed write or sync is never tried again: every later
/// call fails with `Errc::offline`.
class Journal {
 public:
  struct Start {
    std::uint64_t run_id = 0;      ///< Random, from the driver.
    std::uint64_t next_round = 0;  ///< Above every round that was ever written here.
    std::uint64_t salt = 0;        ///< Random: for files that are made, see `decode_round_header`.
    /// A sync failed before: what is read as a file's header may not be on the disk.
    bool writes_again = false;
  };

  /// Makes the files, or takes those that are there and of this shape and disk. Blocks for as long as writing them takes. `no_space` or
  /// another error: there is no journal, and what was made of it is removed.
  static Result<std::unique_ptr<Journal>> open(FileSystem& files, const JournalOwner& owner, JournalShape shape, Start start);
  /// Removes the files: a journal of another shape, or none any more. Only once a manifest that needs none of it is durable.
  static Result<void> remove(FileSystem& files, const std::string& log_dir);

  /// Whether a frame of this size can be written now.
  [[nodiscard]] bool has_room(std::uint64_t frame_bytes) const;
  /// Writes a round and syncs it. Needs `has_room`.
  Result<void> write(RoundBuilder& round);

  /// Where the next round will be: a checkpoint notes it before it syncs segments, and its manifest keeps it.
  [[nodiscard]] JournalPosition next() const;
  /// The manifest that is durable begins at `from`: rounds before it may be written over.
  void release(const JournalPosition& from);

  /// Bytes that rounds take which were not released, and all there are.
  [[nodiscard]] std::uint64_t used_bytes() const { return write_at_ - (live_.empty() ? write_at_ : live_.front().begin); }
  [[nodiscard]] std::uint64_t capacity_bytes() const { return data_bytes() * shape_.files; }

 private:
  Journal(JournalShape shape, Start start) : shape_(shape), run_id_(start.run_id), salt_(start.salt), next_round_(start.next_round) {}

  /// A round that was written and not released. Its place counts on through all laps.
  struct Live {
    std::uint64_t round = 0;
    std::uint64_t begin = 0;
  };

  [[nodiscard]] std::uint64_t data_bytes() const { return shape_.file_bytes - kJournalBlockBytes; }
  [[nodiscard]] std::uint64_t place_for(std::uint64_t frame_bytes) const;
  [[nodiscard]] std::uint32_t file_of(std::uint64_t place) const { return static_cast<std::uint32_t>(place / data_bytes() % shape_.files); }
  [[nodiscard]] std::uint64_t position_of(std::uint64_t place) const { return kJournalBlockBytes + place % data_bytes(); }

  JournalShape shape_;
  std::uint64_t run_id_;
  std::uint64_t salt_;
  std::uint64_t next_round_;
  std::uint32_t previous_crc_ = 0;
  std::uint64_t write_at_ = 0;
  std::deque<Live> live_;
  std::vector<std::unique_ptr<File>> files_;
  bool failed_ = false;
};

}  // namespace tidelog::storage
