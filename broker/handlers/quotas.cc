#include "broker/handlers/quotas.h"

#include "broker/logging/rate_limited.h"

namespace tidelog::broker {
namespace {

constexpr std::string_view kNobody = "ANONYMOUS";

}  // namespace

std::optional<QuotaMatch> find_quota(const Image& image, const proto::RequestHeader& header, std::string_view key) {
  if (image.client_quotas().empty()) return std::nullopt;
  std::optional<QuotaMatch> match = image.client_quotas().find(kNobody, header.client_id, key);
  if (match) match->counted_for.append(key);  // What is counted under one key is another sum than under the next.
  return match;
}

ClientQuota::ClientQuota(Shards shards, ShardServices& here, const proto::RequestHeader& header, std::string_view key)
    : shards_(shards), here_(here) {
  const std::optional<QuotaMatch> match = find_quota(*here.image, header, key);
  if (match) match_.emplace(Counted{.limit = match->limit, .who = here.quotas.who(match->counted_for)});
}

void ClientQuota::record(double amount) {
  here_.quotas.record(match_->who, amount, now());
  for (const auto& shard : shards_) {
    if (shard.get() == &here_) continue;
    Job tell = [&quotas = shard->quotas, who = match_->who, amount, at = now()] { quotas.record(who, amount, at); };
    shard->shard.loop().post(std::move(tell));
  }
}

ClientQuota::Time ClientQuota::charge(double amount) {
  if (!match_) return Time::zero();
  record(amount);
  return here_.quotas.wait(match_->who, match_->limit, now());
}

ClientQuota::Time ClientQuota::charge_or_wait(double amount) {
  if (!match_) return Time::zero();
  const Time wait = here_.quotas.wait_before(match_->who, match_->limit, amount, now());
  if (wait == Time::zero()) record(amount);
  return wait;
}

std::int32_t throttle(Connection& connection, ShardServices& here, const proto::RequestHeader& header, const QuotaWait& wait) {
  const std::chrono::milliseconds rounded = std::chrono::round<std::chrono::milliseconds>(wait.time);
  if (rounded <= rounded.zero()) return 0;
  const SteadyTime now = here.shard.loop().now();
  connection.mute_until(now + rounded);
  here.shard.limits().hit(Limit::client_quota, now, "client \"{}\" at {} is over its {} and waits {} ms",
                          header.client_id.substr(0, kNameInLog), connection.peer().host, wait.key, rounded.count());
  return static_cast<std::int32_t>(rounded.count());
}

}  // namespace tidelog::broker
