#pragma once

#include "broker/handlers/handler.h"
#include "storage/log/time_search.h"

namespace tidelog::broker {

/// Runs a search for a record by its time to its end, wherever the partition lives. What has to be read and opened is read on the blocking
/// pool, one piece at a time of all that the broker is asked for: whatever a log holds, no loop is busy with it, no more than one batch is
/// open, and syncs keep the other threads. Pieces go round the connections. Thread: the shard of the connection.
/// `not_leader_or_follower` if the connection ends or the broker stops before the search does: a client asks again, elsewhere.
/// `request_timed_out` if it is not done by `until`.
asio::awaitable<ErrorCode> look_up_time(HandlerContext context, TopicPartition id, storage::TimeSearch& search, SteadyTime until);

}  // namespace tidelog::broker
