#pragma once

#include "broker/handlers/fetch_reader.h"

namespace tidelog::broker {

/// Brings what a fetch is about to send into memory first, where it lies on the disk alone: sent as it is, it would hold up everybody
/// else on the shard (R15). Costs a probe of the page cache per 128 KiB when everything is there.
/// Thread: the shard of the connection; the disk is waited for on the blocking pool.
asio::awaitable<void> warm_slices(HandlerContext context, const std::vector<FetchQuery>& queries);

}  // namespace tidelog::broker
