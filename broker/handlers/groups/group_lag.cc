#include "broker/handlers/groups/group_lag.h"

#include "broker/handlers/per_partition.h"
#include "broker/handlers/time_lookup.h"
#include "broker/partition/log_config.h"

#include <algorithm>
#include <chrono>

namespace tidelog::broker {
namespace {

/// A batch is opened to see when its records were made; one that is larger, or opens to more, is believed what its header says.
constexpr std::size_t kMostOpenedBytes = std::size_t{4} << 20;
/// For all partitions of a request; those that it does not suffice for have a lag in records alone.
constexpr std::chrono::seconds kLongestMeasuring{10};

void answer(Partition& partition, LagQuery& query) {
  const PartitionState state = partition.state();
  query.end_offset = state.high_watermark.value;
  query.lag_records = std::max<std::int64_t>(query.end_offset - query.committed.value, 0);
  query.first_left = std::max(query.committed, state.log_start);
  query.max_opened_bytes = std::min(max_opened_bytes(partition.config()), kMostOpenedBytes);
}

/// A producer's clock may be ahead of ours.
std::int64_t age_ms(const HandlerContext& context, TimestampMs timestamp) {
  return std::max<std::int64_t>(context.loop().wall_clock() - timestamp, 0);
}

asio::awaitable<void> find_age(HandlerContext context, LagQuery& query, SteadyTime until) {
  storage::TimeSearch search(storage::TimeSearch::first_from(query.first_left, Offset{query.end_offset}, query.max_opened_bytes));
  const ErrorCode error = co_await look_up_time(context, {.id = query.id, .search = search, .until = until});
  if (error != ErrorCode::none) co_return;
  // Compaction may have left nothing of what was not consumed.
  query.lag_ms = search.found() ? age_ms(context, search.found()->timestamp) : 0;
}

}  // namespace

asio::awaitable<void> measure_lag(HandlerContext context, std::vector<LagQuery>& queries) {
  const SteadyTime until = context.loop().now() + kLongestMeasuring;
  co_await ask_owners(context, queries, answer);
  for (LagQuery& query : queries) {
    if (query.lag_records == 0) query.lag_ms = 0;
    if (query.lag_records > 0) co_await find_age(context, query, until);
  }
}

}  // namespace tidelog::broker
