#pragma once

#include "proto/record/crc32c.h"
#include "storage/key_value/log_history.h"
#include "storage/key_value/log_view.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog::testing {

using Contents = std::map<std::string, std::string>;

/// A log of changes to keys, one to a batch and one offset each, and what they come to.
class SmallLog final : public storage::LogHistory {
 public:
  struct Change {
    std::string key;
    std::optional<std::string> value;
  };

  explicit SmallLog(std::uint64_t log_id = 42) : log_id_(log_id) {}

  void append(std::string key, std::optional<std::string> value, LeaderEpoch epoch = {0}) {
    // No two batches have the same bytes: a real one has its time in it.
    const std::string bytes = std::to_string(log_id_) + " " + std::to_string(++serial_);
    const std::uint32_t crc = proto::crc32c(std::as_bytes(std::span(bytes)));
    const Offset next = end() + 1;
    batches_.push_back({.change = {std::move(key), std::move(value)}, .point = {.next_offset = next, .epoch = epoch, .batch_crc = crc}});
  }
  void truncate(Offset end) { batches_.resize(static_cast<std::size_t>(end.value)); }
  /// Another log in the place of this one: a topic that was deleted and made again.
  void begin_anew() {
    ++log_id_;
    batches_.clear();
  }

  [[nodiscard]] Offset end() const { return {static_cast<std::int64_t>(batches_.size())}; }
  [[nodiscard]] const Change& at(Offset offset) const { return batches_.at(static_cast<std::size_t>(offset.value)).change; }
  [[nodiscard]] std::uint64_t log_id() const override { return log_id_; }
  Result<storage::LogPoint> point_before(Offset next) override {
    if (next <= Offset{0} || next > end()) return Errc::not_found;
    return batches_[static_cast<std::size_t>(next.value - 1)].point;
  }
  /// What the changes below `end` come to.
  [[nodiscard]] Contents contents(Offset end) const {
    Contents all;
    for (Offset at_offset{0}; at_offset < end; ++at_offset) change(all, at(at_offset));
    return all;
  }
  static void change(Contents& contents, const Change& change) {
    if (change.value) {
      contents.insert_or_assign(change.key, *change.value);
    } else {
      contents.erase(change.key);
    }
  }

 private:
  struct Batch {
    Change change;
    storage::LogPoint point;
  };

  std::uint64_t log_id_;
  std::uint64_t serial_ = 0;
  std::vector<Batch> batches_;
};

/// Does what the owner of a view does: opens and checks it, then has it follow a log.
class ViewOwner final : public storage::ViewReader {
 public:
  void restart() override { contents_.clear(); }
  Result<void> take(std::string_view key, std::string_view value) override {
    if (value == unreadable_) return Errc::unsupported;
    contents_.emplace(key, value);
    return {};
  }

  /// Entries with this value are refused, as if this version could not read them.
  void refuse(std::string value) { unreadable_ = std::move(value); }

  Result<void> open(storage::LogView& view, storage::LogHistory& log) {
    Result<storage::ViewState> state = note(view.open());
    if (!state) return state.error();
    if (state->mark) {
      if (const auto why = storage::why_it_does_not_fit(*state->mark, log)) state = note(view.rebuild(*why));
    }
    if (!state) return state.error();
    state = note(view.load(*this));
    if (!state) return state.error();
    next_ = state->mark ? state->mark->point.next_offset : Offset{0};
    return {};
  }

  /// `past` is what the owner is told of the log's past: the log itself, or a liar.
  Result<void> catch_up(storage::LogView& view, const SmallLog& log, storage::LogHistory& past, Offset high_watermark) {
    while (next_ < high_watermark) {
      const Offset to = std::min(high_watermark, next_ + kBatchesAtOnce);
      storage::WriteBatch changes;
      Contents after = contents_;
      for (Offset at = next_; at < to; ++at) {
        const SmallLog::Change& one = log.at(at);
        if (const Result<void> added = one.value ? changes.put(one.key, *one.value) : changes.erase(one.key); !added) return added;
        SmallLog::change(after, one);
      }
      const Result<storage::LogPoint> point = past.point_before(to);
      if (!point) return point.error();
      const storage::LogView::Progress progress{.log_id = past.log_id(), .point = *point, .high_watermark = high_watermark};
      if (const Result<void> applied = view.apply(std::move(changes), progress); !applied) return applied;
      contents_ = std::move(after);
      next_ = to;
    }
    return {};
  }
  Result<void> catch_up(storage::LogView& view, SmallLog& log) { return catch_up(view, log, log, log.end()); }

  [[nodiscard]] const Contents& contents() const { return contents_; }
  /// Up to where the view is made.
  [[nodiscard]] Offset next() const { return next_; }
  /// What was told about rebuilds.
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  static constexpr std::int64_t kBatchesAtOnce = 10;

  Result<storage::ViewState> note(Result<storage::ViewState> state) {
    if (state && !state->why_rebuilt.empty()) lines_.push_back(state->why_rebuilt);
    return state;
  }

  Contents contents_;
  Offset next_{0};
  std::string unreadable_ = "a value that nothing has";
  std::vector<std::string> lines_;
};

/// Fills a log with changes of 40 keys, a few of them deletions.
inline void fill(SmallLog& log, int changes) {
  for (int i = 0; i < changes; ++i) {
    const int key = (i * 7) % 40;
    const std::string name = "key-" + std::string(key < 10 ? "0" : "") + std::to_string(key);
    if (i % 11 == 10) {
      log.append(name, std::nullopt);
    } else {
      log.append(name, std::string(300, static_cast<char>('a' + i % 26)));
    }
  }
}

}  // namespace tidelog::testing
