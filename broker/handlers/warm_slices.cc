#include "broker/handlers/warm_slices.h"

#include "broker/shard/run_on.h"

namespace tidelog::broker {

std::vector<storage::Slice> cold_slices(const std::vector<FetchQuery>& queries) {
  std::vector<storage::Slice> cold;
  for (const FetchQuery& query : queries) {
    const storage::Slice& slice = query.slice;
    if (!slice.empty() && !slice.file->is_cached(slice.position, slice.size_bytes)) cold.push_back(slice);
  }
  return cold;
}

asio::awaitable<void> warm_slices(HandlerContext context, std::vector<storage::Slice> cold) {
  Job read = [&cold] {
    for (const storage::Slice& slice : cold) slice.file->warm(slice.position, slice.size_bytes);
  };
  co_await run_blocking(context.here.shard.env(), context.loop(), std::move(read));
}

}  // namespace tidelog::broker
