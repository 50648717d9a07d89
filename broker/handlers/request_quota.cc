#include "broker/handlers/request_quota.h"

#include "broker/handlers/handler.h"

#include <algorithm>
#include <utility>

namespace tidelog::broker {
namespace {

double percent_of_a_second(RequestQuota::Time time) { return 100 * std::chrono::duration<double>(time).count(); }

}  // namespace

RequestQuota::RequestQuota(ClientQuota::Shards shards, ShardServices& here, Connection& connection, const proto::RequestHeader& header)
    : here_(here), connection_(connection), header_(header), quota_(shards, here, header, kRequestPercentage) {
  std::optional<WorkTime>& work = connection.client().work;
  if (!is_limited()) {
    work.reset();
  } else if (!work) {
    work.emplace();
  }
}

std::int32_t RequestQuota::settle() {
  Time spent = std::exchange(elsewhere_, Time::zero());
  if (WorkTime* const work = connection_.client().payer()) spent += work->take();
  const Time wait = quota_.charge(percent_of_a_second(spent));
  return throttle(connection_, here_, header_, {.key = kRequestPercentage, .time = std::min(wait, here_.quotas.shape().size)});
}

std::int32_t settle(RequestQuota& quota) { return quota.settle(); }

}  // namespace tidelog::broker
