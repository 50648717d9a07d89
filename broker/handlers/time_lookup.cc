#include "broker/handlers/time_lookup.h"

#include "broker/shard/let_others_go_on.h"
#include "broker/shard/run_on.h"

namespace tidelog::broker {
namespace {

/// One step of a search on the loop of the partition's owner, which may have gone since the step before. `read`: how the last piece was
/// read. Damage that nobody knew of has the search begin anew, around it.
ErrorCode advance(ShardServices& owner, const TimeLookup& lookup, const Result<void>& read) {
  Partition* const partition = owner.partitions.find(lookup.id);
  if (partition == nullptr) return why_absent(owner, lookup.id);
  const Result<void> done = read ? partition->log().advance(lookup.search) : read;
  if (done) return ErrorCode::none;
  if (done.error() != Errc::corrupt || !partition->log().look_for_damage(lookup.search)) return ErrorCode::kafka_storage_error;
  lookup.search.restart();
  return ErrorCode::none;
}

asio::awaitable<ErrorCode> advance_there(const Node& node, const TimeLookup& lookup, const Result<void>& read) {
  ShardServices& owner = node.owner_of(lookup.id);
  ErrorCode error = ErrorCode::none;
  Job step = [&] { error = advance(owner, lookup, read); };
  co_await run_on(owner.shard.loop(), node.home().shard.loop(), std::move(step));
  co_return error;
}

/// Finds where bytes have to be looked through, and reads a piece of them.
asio::awaitable<ErrorCode> take_step(const Node& node, const TimeLookup& lookup) {
  if (!lookup.search.has_stretch()) {
    const ErrorCode error = co_await advance_there(node, lookup, {});
    if (error != ErrorCode::none || !lookup.search.has_stretch()) co_return error;
  }
  Result<void> read;
  Job piece = [&] { read = lookup.search.read_piece(); };
  Shard& first = node.home().shard;
  co_await run_blocking(first.env(), first.loop(), std::move(piece));
  if (read) co_return ErrorCode::none;
  co_return co_await advance_there(node, lookup, read);
}

/// On the first shard's loop, where all shards' turns are.
asio::awaitable<void> take_turn(const HandlerContext& context, TurnTaker taker, const TimeLookup& lookup, ErrorCode& error) {
  ShardServices& first = context.node.home();
  const std::optional<FairTurns::Turn> turn = co_await first.time_reads.take(taker, lookup.until);
  // Looked at here, so that those who wait for a turn when the broker stops need not wait for a read each.
  const bool is_leaving = context.connection.client().is_leaving;
  if (!turn || is_leaving) {
    error = is_leaving ? ErrorCode::not_leader_or_follower : ErrorCode::request_timed_out;
    co_return;
  }
  const SteadyTime began = first.shard.loop().now();
  error = co_await take_step(context.node, lookup);
  first.time_reads.charge(taker, first.shard.loop().now() - began);
}

}  // namespace

asio::awaitable<ErrorCode> look_up_time(HandlerContext context, TimeLookup lookup) {
  const TurnTaker taker = context.connection.taker();
  ErrorCode error = ErrorCode::none;
  while (error == ErrorCode::none && !lookup.search.is_done()) {
    if (context.connection.client().is_leaving) co_return ErrorCode::not_leader_or_follower;
    asio::awaitable<void> turn = take_turn(context, taker, lookup, error);
    co_await await_on(context.node.home().shard.loop(), context.loop(), std::move(turn));
    co_await let_others_go_on(context.loop());
  }
  co_return error;
}

}  // namespace tidelog::broker
