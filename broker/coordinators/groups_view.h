#pragma once

#include "broker/env/env.h"
#include "broker/metadata/image.h"
#include "storage/key_value/log_view.h"
#include "storage/log/slice.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

class Partition;
struct ShardServices;

/// What the records of one partition of `__consumer_offsets` come to: the last value of each key, kept beside its log (`view/`), so that a
/// coordinator that starts need not read all of a long log. Made and brought up to date in the background; open only meanwhile. It is never
/// needed: whatever is wrong with it is one line in the broker's log, and the log is read instead.
///
/// What it may be made of (RULES.md R9): only what is committed; and behind its mark only batches that are as they were written. Where
/// compaction took a record away, that may have been the tombstone of something the view still has: then it is made again from the front,
/// where what is gone is gone for both. The same if the log lost its front.
///
/// Thread: the loop of the partition's shard, one call at a time; the disk is waited for elsewhere.
/// Crash: what is stored is some earlier state of it, and says which.
class GroupsView {
 public:
  GroupsView(ShardServices& shard, const TopicPartition& id) : shard_(shard), id_(id) {}

  /// From where a coordinator goes on: the records of before, by their keys, and the offset behind them.
  struct Start {
    std::vector<storage::KeyValue> records;
    Offset next;
  };
  /// Whether there is anything to load.
  [[nodiscard]] asio::awaitable<bool> exists() const;
  /// Nothing: there is no view that fits the log.
  [[nodiscard]] asio::awaitable<std::optional<Start>> load() const;
  /// Makes it what is committed now, or a part of the way there if it shall not go on.
  [[nodiscard]] asio::awaitable<void> catch_up(const std::function<bool()>& goes_on) const;
  /// Throws it away.
  [[nodiscard]] asio::awaitable<void> discard() const;

 private:
  struct Open;

  [[nodiscard]] Partition* partition() const;
  /// Not opened yet. Null: there can be none.
  [[nodiscard]] std::unique_ptr<Open> place() const;
  asio::awaitable<void> off_loop(Job job) const;
  void tell(Errc error) const;
  [[nodiscard]] std::optional<std::string_view> why_it_does_not_fit(const Open& view) const;
  /// Takes in how a step left the view, and tells people what it threw away.
  static Result<void> take(Open& view, const Result<storage::ViewState>& said);
  /// `reader` gets all that is in it. It is empty afterwards if it did not fit the log.
  asio::awaitable<Result<void>> open(Open& view, storage::ViewReader& reader) const;
  asio::awaitable<Result<void>> follow(Open& view, const std::function<bool()>& goes_on) const;
  static Result<storage::ViewState> apply(Open& view, const storage::Slice& slice, storage::LogView::Progress to);

  ShardServices& shard_;
  TopicPartition id_;
};

}  // namespace tidelog::broker
