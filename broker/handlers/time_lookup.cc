#include "broker/handlers/time_lookup.h"

#include "broker/shard/let_others_go_on.h"
#include "broker/shard/run_on.h"
#include "broker/shard/turns.h"

namespace tidelog::broker {
namespace {

/// One step of a search on the loop of the partition's owner, which may have gone since the step before. `read`: how the last piece was
/// read. Damage that nobody knew of has the search begin anew, around it.
ErrorCode advance(ShardServices& owner, const TopicPartition& id, storage::TimeSearch& search, const Result<void>& read) {
  Partition* const partition = owner.partitions.find(id);
  if (partition == nullptr) return why_absent(owner, id);
  const Result<void> done = read ? partition->log().advance(search) : read;
  if (done) return ErrorCode::none;
  if (done.error() != Errc::corrupt || !partition->log().look_for_damage(search)) return ErrorCode::kafka_storage_error;
  search.restart();
  return ErrorCode::none;
}

/// On the first shard's loop, where all shards' turns are.
asio::awaitable<void> read_piece(ShardServices& first, storage::TimeSearch& search, Result<void>& done) {
  const Turns::Turn turn = co_await first.time_reads.take();
  Job read = [&search, &done] { done = search.read_piece(); };
  co_await run_blocking(first.shard.env(), first.shard.loop(), std::move(read));
}

/// Reads where bytes have to be looked through, else moves on; wherever that has to happen.
asio::awaitable<ErrorCode> take_step(HandlerContext context, TopicPartition id, storage::TimeSearch& search) {
  Result<void> read;
  if (search.has_stretch()) {
    ShardServices& first = context.node.home();
    asio::awaitable<void> reading = read_piece(first, search, read);
    co_await await_on(first.shard.loop(), context.loop(), std::move(reading));
    if (read) co_return ErrorCode::none;
  }
  ShardServices& owner = context.node.owner_of(id);
  ErrorCode error = ErrorCode::none;
  Job step = [&] { error = advance(owner, id, search, read); };
  co_await run_on(owner.shard.loop(), context.loop(), std::move(step));
  co_return error;
}

}  // namespace

asio::awaitable<ErrorCode> look_up_time(HandlerContext context, TopicPartition id, storage::TimeSearch& search, SteadyTime until) {
  while (true) {
    const Turns::Turn turn = co_await context.here.time_lookups.take();
    // Looked at here, so that those who wait for a turn when the broker stops need not wait for a read each.
    if (context.connection.client().is_leaving) co_return ErrorCode::not_leader_or_follower;
    if (context.loop().now() >= until) co_return ErrorCode::request_timed_out;
    const ErrorCode error = co_await take_step(context, id, search);
    if (error != ErrorCode::none) co_return error;
    co_await let_others_go_on(context.loop());
    if (search.is_done()) co_return ErrorCode::none;
  }
}

}  // namespace tidelog::broker
