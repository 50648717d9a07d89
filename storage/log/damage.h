#pragma once

#include "proto/base/result.h"
#include "proto/base/types.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::storage {

/// Offsets of a log that cannot be read: bytes of one segment that are no batches any more, or files that are gone.
struct DamagedRange {
  Offset from;          ///< The first offset that is missing.
  Offset to;            ///< The first behind it that is not.
  Offset segment_base;  ///< Of the file where it lies.
  std::uint64_t position = 0;
  std::uint64_t end_position = 0;  ///< `position`: the bytes are not there.
  bool operator==(const DamagedRange&) const = default;
  [[nodiscard]] bool holds(Offset offset) const { return offset >= from && offset < to; }
};

/// One sentence with file, offsets and position.
std::string describe(const std::string& directory, const DamagedRange& range);

/// What is damaged of one log.
/// Invariant: in order, without overlaps in offsets; none is empty.
class Damage {
 public:
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  [[nodiscard]] const std::vector<DamagedRange>& ranges() const { return ranges_; }
  /// The range that holds `offset`, or the first behind it; null: all that follows is whole.
  [[nodiscard]] const DamagedRange* at_or_after(Offset offset) const;
  /// Those of one segment, to be stepped over.
  [[nodiscard]] std::vector<DamagedRange> of_segment(Offset base) const;

  /// Joined with those it overlaps. False if all of it was known.
  bool add(const DamagedRange& range);
  /// Whose files are gone: nobody can ask for what lies below `front`, and nobody walks over it.
  bool forget_below(Offset front);
  /// The log ends at `log_end` now: offsets from there on are given out again. False if nothing has changed.
  bool forget_from(Offset log_end);

  /// The contents of `damaged-ranges`: "0\n", the number of entries, then "from to segment position end-position" a line.
  [[nodiscard]] std::string encode() const;
  /// `Errc::corrupt` for anything that `encode` did not write.
  static Result<Damage> decode(std::string_view text);
  bool operator==(const Damage&) const = default;

 private:
  std::vector<DamagedRange> ranges_;
};

}  // namespace tidelog::storage
