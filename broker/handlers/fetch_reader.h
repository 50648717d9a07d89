#pragma once

#include "broker/handlers/handler.h"

#include <memory>
#include <vector>

namespace tidelog::broker {

/// One partition of a fetch: the question, and the answer as the owning shard gave it.
struct FetchQuery {
  TopicPartition id;
  std::int64_t fetch_offset = 0;
  std::int32_t max_bytes = 0;
  std::int32_t current_leader_epoch = -1;
  std::int32_t last_fetched_epoch = -1;

  ErrorCode error = ErrorCode::none;  ///< Set before the query: it is not asked at all.
  std::int64_t high_watermark = -1;
  std::int64_t log_start = -1;
  std::int32_t leader_epoch = -1;
  std::int32_t diverging_epoch = -1;  ///< >= 0: the client's log and ours part at `diverging_end`.
  std::int64_t diverging_end = -1;
  storage::Slice slice;

  /// Back to what it was before anybody was asked: a fetch that waits asks again.
  void forget_answer() {
    *this = {.id = id,
             .fetch_offset = fetch_offset,
             .max_bytes = max_bytes,
             .current_leader_epoch = current_leader_epoch,
             .last_fetched_epoch = last_fetched_epoch};
  }
};

/// Reads many partitions of several shards for one fetch, and waits until there is enough.
/// Thread: the shard of the connection. Life: in the fetch's coroutine.
class FetchReader {
 public:
  struct Limits {
    std::int64_t min_bytes = 0;
    std::int64_t max_bytes = 0;
    SteadyTime max_wait{};
  };

  FetchReader(HandlerContext context, std::vector<FetchQuery>& queries, Limits limits);
  ~FetchReader();

  /// Answers every query with what there is, if all of it lies on this shard: most fetches need no more. False: nothing was done.
  [[nodiscard]] bool read_here();
  /// The same wherever it lies.
  asio::awaitable<void> read() { return collect(false); }
  /// Whether min_bytes are there, an answer cannot wait, or nobody wants to.
  [[nodiscard]] bool is_enough() const;
  /// Answers again as more comes. Returns when it is enough, or the time is over.
  asio::awaitable<void> wait();

 private:
  struct Allowance;
  struct Group;
  struct Waiting;

  asio::awaitable<void> collect(bool watch);
  asio::awaitable<void> stop_watching();

  HandlerContext context_;
  std::vector<FetchQuery>& queries_;
  Limits limits_;
  std::vector<std::shared_ptr<Group>> groups_;
  std::shared_ptr<Waiting> waiting_;  ///< Null unless it waits.
  bool is_watching_ = false;
};

}  // namespace tidelog::broker
