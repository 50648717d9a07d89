#pragma once

#include "broker/handlers/fetch_reader.h"

namespace tidelog::broker {

/// Those whose slice lies on the disk alone. Costs a probe of the page cache per 128 KiB.
std::vector<FetchQuery*> cold_queries(std::vector<FetchQuery>& queries);

/// Brings it into memory first: sent as it is, it would hold up everybody else on the shard (R15). A slice whose batches turn out not to go
/// on one from the other becomes a storage error: the next fetch finds the bytes in memory, and its partition where they are damaged.
/// Thread: the shard of the connection; the disk is waited for on the blocking pool.
asio::awaitable<void> warm_slices(HandlerContext context, std::vector<FetchQuery*> cold);

}  // namespace tidelog::broker
