#pragma once

#include "broker/handlers/handler.h"
#include "storage/log/time_search.h"

namespace tidelog::broker {

/// A search for a record by its time, and where.
struct TimeLookup {
  TopicPartition id;
  storage::TimeSearch& search;
  SteadyTime until{};  ///< When nobody waits for it any more.
};

/// Runs it to its end, wherever the partition lives. What has to be read and opened is read on the blocking pool, one piece at a time of
/// all that the broker is asked for: whatever a log holds, no loop is busy with it, no more than one batch is open, and syncs keep the
/// other threads. Those go first whose searches cost least lately (`FairTurns`). Thread: the shard of the connection.
/// `not_leader_or_follower` if the connection ends or the broker stops before the search does: a client asks again, elsewhere.
/// `request_timed_out` if it is not done by `until`.
asio::awaitable<ErrorCode> look_up_time(HandlerContext context, TimeLookup lookup);

}  // namespace tidelog::broker
