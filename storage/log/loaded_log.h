#pragma once

#include "storage/log/leader_epochs.h"
#include "storage/log/producer_state.h"
#include "storage/log/segment.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace tidelog::storage {

/// Where some batches begin, remembered so that readers who follow on need no lookup: the ends of the last appends (where tail readers and
/// the high watermark stand) and of the last reads (where catch-up readers go on).
class PositionMarks {
 public:
  void note_append(Offset segment_base, const Boundary& at) { appends_[next_append_++ % appends_.size()] = {segment_base, at}; }
  void note_read(Offset segment_base, const Boundary& at) { reads_[next_read_++ % reads_.size()] = {segment_base, at}; }

  [[nodiscard]] const Boundary* find(Offset segment_base, Offset offset) const {
    for (const Mark& mark : appends_) {
      if (mark.at.offset == offset && mark.segment_base == segment_base) return &mark.at;
    }
    for (const Mark& mark : reads_) {
      if (mark.at.offset == offset && mark.segment_base == segment_base) return &mark.at;
    }
    return nullptr;
  }

 private:
  struct Mark {
    Offset segment_base{-1};
    Boundary at{.offset = {-1}};
  };
  std::array<Mark, 24> appends_{};
  std::array<Mark, 8> reads_{};
  std::uint32_t next_append_ = 0;
  std::uint32_t next_read_ = 0;
};

/// What a log in use keeps in memory.
/// Invariant: segments are in order and contiguous; the last one, the tail, takes the appends. Only the tail and `warm` have files open and
/// an index loaded (a dirty one keeps its file).
struct LoadedLog {
  explicit LoadedLog(const LogConfig& config) : producers(config.max_producers) {}

  std::vector<std::unique_ptr<Segment>> segments;
  Segment* warm = nullptr;  ///< The sealed segment used last; null: none.
  LeaderEpochs epochs;
  bool epochs_are_dirty = false;  ///< Not (durably) in their file.
  ProducerStates producers;
  std::vector<Offset> snapshots;        ///< Of producer state, by offset, rising.
  std::vector<std::string> kept_aside;  ///< Names of what recovery took out and that still lies beside the segments.
  PositionMarks marks;
  TimestampMs tail_since{-1};  ///< Timestamp of the tail's first batch.

  [[nodiscard]] Segment* tail() const { return segments.empty() ? nullptr : segments.back().get(); }
  /// Index of the segment that holds `offset`, or the last one below it. Needs a segment.
  [[nodiscard]] std::size_t segment_of(Offset offset) const {
    std::size_t low = 0;
    std::size_t high = segments.size();
    while (high - low > 1) {
      const std::size_t middle = (low + high) / 2;
      (segments[middle]->base() <= offset ? low : high) = middle;
    }
    return low;
  }
  /// Where segment `at` ends; `log_end` for the tail.
  [[nodiscard]] Offset end_of(std::size_t at, Offset log_end) const {
    return at + 1 < segments.size() ? segments[at + 1]->base() : log_end;
  }
  /// Call before using a segment: lets go of the sealed one that was used before.
  Segment& use(std::size_t at) {
    Segment* segment = segments[at].get();
    if (segment != tail() && segment != warm) {
      if (warm != nullptr) warm->cool();
      warm = segment;
    }
    return *segment;
  }
};

}  // namespace tidelog::storage
