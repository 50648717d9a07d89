#pragma once

#include "proto/base/result.h"
#include "proto/base/types.h"

#include <string>
#include <vector>

namespace tidelog::storage {

/// Answer to OffsetForLeaderEpoch.
struct EpochEnd {
  LeaderEpoch epoch{-1};
  Offset end_offset{-1};
  bool operator==(const EpochEnd&) const = default;
};

/// Where each leader epoch of a log began.
/// Invariant: epochs and start offsets both rise.
class LeaderEpochs {
 public:
  struct Entry {
    LeaderEpoch epoch;
    Offset start;
    bool operator==(const Entry&) const = default;
  };
  bool operator==(const LeaderEpochs&) const = default;

  /// `epoch` began at `start`. An epoch not above the latest changes nothing; entries that had not begun before `start` wrote nothing
  /// and are dropped. True if something changed.
  bool assign(LeaderEpoch epoch, Offset start);
  [[nodiscard]] LeaderEpoch latest() const { return entries_.empty() ? LeaderEpoch{-1} : entries_.back().epoch; }
  [[nodiscard]] LeaderEpoch epoch_at(Offset offset) const;
  [[nodiscard]] EpochEnd end_offset_for(LeaderEpoch epoch, Offset log_end) const;

  /// Forgets what began at `end` or above.
  void truncate_from_end(Offset end);
  /// The epoch that holds `log_start` begins there now; older ones go.
  void truncate_from_start(Offset log_start);
  void clear() { entries_.clear(); }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  /// Kafka's text: "0\n", the number of entries, then "epoch start" a line.
  [[nodiscard]] std::string encode() const;
  static Result<LeaderEpochs> decode(std::string_view text);

 private:
  std::vector<Entry> entries_;
};

}  // namespace tidelog::storage
