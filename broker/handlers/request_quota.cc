#include "broker/handlers/request_quota.h"

#include "broker/handlers/handler.h"

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
  WorkTime* const work = connection_.client().payer();
  if (work == nullptr) return 0;
  const Time wait = quota_.charge(percent_of_a_second(work->take()));
  return throttle(connection_, here_, header_, kRequestPercentage, std::min(wait, here_.quotas.shape().size));
}

void RequestQuota::add(Time time) {
  if (WorkTime* const work = connection_.client().payer()) work->add(time);
}

std::int32_t settle(RequestQuota& quota) { return quota.settle(); }

}  // namespace tidelog::broker
