#pragma once

#include "proto/record/compression.h"
#include "proto/record/reader.h"
#include "storage/disk/file_system.h"
#include "storage/log/segment.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace tidelog::storage {

class Log;

/// A record found by its time.
struct TimestampedOffset {
  Offset offset{-1};
  TimestampMs timestamp{-1};
  LeaderEpoch leader_epoch{-1};
};

/// Looks for a record by its time. Headers have to be walked and batches opened for it, which may take long, so it goes in steps that
/// others may come between: `Log::advance` finds a stretch of one segment to look through, `read_piece` reads it piece by piece.
///
/// A compressed batch is not looked into when it is produced (R18), so its header may claim a later time than its records have. Then the
/// search goes on behind it; but after `kMostOpenedInVain` of those the next header is believed, or one request could have all of a log
/// opened. What a header says of where its batch begins is too late only if it claims an earlier time than its records have: those are
/// passed over.
///
/// Life: of one question. The file that is read stays open. Thread: one at a time; `advance` on the log's, `read_piece` anywhere.
class TimeSearch {
 public:
  struct Question {
    std::optional<TimestampMs> at_least;  ///< The first record of this time or later; none: the first of the greatest time.
    Offset from{0};                       ///< Only records from here on.
    Offset limit;                         ///< Only records below.
    /// A batch that is larger, or opens to more, is not looked into: its header is believed.
    std::size_t max_opened_bytes = proto::decompressed_limit(0);
  };
  static constexpr int kMostOpenedInVain = 16;

  /// The first record from `from` on, whatever its time, to learn that.
  static Question first_from(Offset from, Offset limit, std::size_t max_opened_bytes) {
    return {.at_least = TimestampMs{INT64_MIN}, .from = from, .limit = limit, .max_opened_bytes = max_opened_bytes};
  }

  explicit TimeSearch(const Question& question) : question_(question) {}
  /// Asks the same again.
  void restart() { *this = TimeSearch(question_); }

  [[nodiscard]] bool is_done() const { return is_done_; }
  /// Once it is done: the record; none: there is no such record.
  [[nodiscard]] const std::optional<TimestampedOffset>& found() const { return found_; }
  /// There is something to read; else `Log::advance` goes on, unless it is done.
  [[nodiscard]] bool has_stretch() const { return stretch_.file != nullptr; }
  /// Reads some headers and opens one batch at most. `corrupt`: what is damaged lies in between and may have held the record.
  Result<void> read_piece();

 private:
  friend class Log;

  /// Records that count.
  struct Range {
    Offset from;
    Offset limit;
    [[nodiscard]] bool holds(Offset offset) const { return offset >= from && offset < limit; }
    [[nodiscard]] bool overlaps(const BatchHeader& batch) const { return batch.last_offset() >= from && batch.base_offset < limit; }
  };
  struct Stretch {
    std::shared_ptr<const File> file;
    std::uint64_t position = 0;
    std::uint64_t end = 0;
    std::uint64_t segment_end = 0;      ///< How far it may be stretched if what it holds turns out to be of no use.
    std::vector<DamagedRange> holes{};  ///< Known damage of the segment, to be stepped over.
    std::optional<Offset> expected{};   ///< With which the next batch begins, if nothing is missing.
  };
  /// A segment, and what its headers claim to be its greatest time.
  struct Candidate {
    TimestampMs claim;
    Offset base;
  };
  using Visit = std::function<bool(const proto::RecordView&)>;

  Result<void> read_for_first();
  Result<void> read_for_newest();
  Result<void> open_for_first(const BatchPlace& place);
  Result<void> open_for_newest(const BatchPlace& place);
  Result<bool> visit_records(const BatchPlace& place, const Visit& visit) const;
  [[nodiscard]] TimestampedOffset as_claimed(const BatchHeader& batch) const;
  [[nodiscard]] bool is_better(TimestampMs timestamp, Offset offset) const;
  /// Damage that is known may have held the record: there is nothing to be looked for.
  Errc refuse() {
    met_known_damage_ = true;
    return Errc::corrupt;
  }
  void end_stretch() { stretch_ = {}; }
  void finish() {
    end_stretch();
    is_done_ = true;
  }

  Question question_;
  Range range_;
  bool is_done_ = false;
  bool met_known_damage_ = false;
  std::optional<TimestampedOffset> found_;
  int opened_in_vain_ = 0;
  Stretch stretch_;
  Offset next_from_{0};   ///< Segments below were looked at by `advance`.
  Offset looking_at_{0};  ///< In the segment that was looked at last.

  // For the greatest time.
  std::vector<Candidate> candidates_;
  bool has_all_candidates_ = false;
  std::size_t next_candidate_ = 0;
  std::optional<BatchPlace> newest_;        ///< Of the stretch, as far as it was read.
  std::vector<std::uint64_t> disbelieved_;  ///< Where batches of this segment stand that were opened and do not have what they claim.
};

}  // namespace tidelog::storage
