#include "broker/handlers/mutation_quota.h"

#include "broker/handlers/quotas.h"
#include "broker/shard/run_on.h"

namespace tidelog::broker {

MutationQuota::MutationQuota(HandlerContext context, const proto::RequestHeader& header, std::int16_t strict_from)
    : context_(context),
      header_(header),
      is_strict_(header.api_version >= strict_from),
      match_(find_quota(context.image(), header, kControllerMutationRate)) {}

asio::awaitable<void> MutationQuota::take(double partitions) {
  ShardServices& home = context_.node.home();
  Job work = [&] {
    const SteadyTime now = home.shard.loop().now();
    if (partitions > 0) home.mutations.take(match_->counted_for, match_->limit, partitions, now);
    wait_ = home.mutations.wait(match_->counted_for, match_->limit, now);
  };
  co_await run_on(home.shard.loop(), context_.loop(), std::move(work));
}

asio::awaitable<bool> MutationQuota::refuses() {
  if (!match_ || !is_strict_) co_return false;
  co_await take(0);
  co_return wait_ > Time::zero();
}

asio::awaitable<void> MutationQuota::charge(double partitions) {
  if (match_ && partitions > 0) co_await take(partitions);
}

std::int32_t MutationQuota::throttle_time_ms() {
  return throttle(context_.connection, context_.here, header_, {.key = kControllerMutationRate, .time = wait_});
}

}  // namespace tidelog::broker
