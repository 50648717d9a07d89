#include "broker/handlers/warm_slices.h"

#include "broker/shard/run_on.h"
#include "storage/log/chain_check.h"

namespace tidelog::broker {

namespace {

void warm(FetchQuery& query) {
  const storage::Slice& slice = query.slice;
  slice.file->warm(slice.position, slice.size_bytes);
  if (storage::check_chain(slice)) return;
  query.slice = {};
  query.error = ErrorCode::kafka_storage_error;
}

}  // namespace

std::vector<FetchQuery*> cold_queries(std::vector<FetchQuery>& queries) {
  std::vector<FetchQuery*> cold;
  for (FetchQuery& query : queries) {
    const storage::Slice& slice = query.slice;
    const bool is_cold = !slice.empty() && (slice.needs_check || !slice.file->is_cached(slice.position, slice.size_bytes));
    if (is_cold) cold.push_back(&query);
  }
  return cold;
}

asio::awaitable<void> warm_slices(HandlerContext context, std::vector<FetchQuery*> cold) {
  Job read = [&cold] {
    for (FetchQuery* query : cold) warm(*query);
  };
  co_await run_blocking(context.here.shard.env(), context.loop(), std::move(read));
}

}  // namespace tidelog::broker
