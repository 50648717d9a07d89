#pragma once

#include "broker/handlers/fetch_reader.h"

namespace tidelog::broker {

/// What a fetch is about to send and that lies on the disk alone. Costs a probe of the page cache per 128 KiB.
std::vector<storage::Slice> cold_slices(const std::vector<FetchQuery>& queries);

/// Brings it into memory first: sent as it is, it would hold up everybody else on the shard (R15).
/// Thread: the shard of the connection; the disk is waited for on the blocking pool.
asio::awaitable<void> warm_slices(HandlerContext context, std::vector<storage::Slice> cold);

}  // namespace tidelog::broker
