#include "broker/partition/intake.h"

#include "broker/partition/services.h"

namespace tidelog::broker {
namespace {

/// So long is checked in one go, but for the last part begun.
constexpr SteadyTime kLongestTurn = std::chrono::milliseconds(5);

}  // namespace

void Intake::take(ProducePart& part) {
  Partition* const partition = owner_.partitions.find(part.id);
  if (partition == nullptr) return refuse(part);
  if (has_to_wait(*partition, part)) return queue(part);
  partition->produce(part);
}

bool Intake::has_to_wait(const Partition& partition, const ProducePart& part) const {
  if (part.owner->is_long || partition.takes_long_to_check(part)) return true;
  return !waiting_.empty() && waiting_.contains(part.owner->client);
}

void Intake::queue(ProducePart& part) {
  const void* const client = part.owner->client;
  const bool is_idle = turns_.empty();
  std::deque<ProducePart*>& parts = waiting_[client];
  if (parts.empty()) turns_.push_back(client);
  parts.push_back(&part);
  if (is_idle) go_on_later();
}

/// Behind what is ready now and what the sockets have by then: a job put off twice stands behind those.
void Intake::go_on_later() {
  Loop& loop = owner_.shard.loop();
  loop.defer([this, &loop] { loop.defer([this] { work(); }); });
}

void Intake::work() {
  const Loop& loop = owner_.shard.loop();
  const SteadyTime began = loop.now();
  do {
    const void* const client = turns_.front();
    turns_.pop_front();
    const auto waiting = waiting_.find(client);
    ProducePart& part = *waiting->second.front();
    waiting->second.pop_front();
    if (waiting->second.empty()) {
      waiting_.erase(waiting);
    } else {
      turns_.push_back(client);
    }
    check(part);
  } while (!turns_.empty() && loop.now() - began < kLongestTurn);
  if (!turns_.empty()) go_on_later();
}

void Intake::check(ProducePart& part) {
  Partition* const partition = owner_.partitions.find(part.id);
  if (partition == nullptr) return refuse(part);
  const SteadyTime began = owner_.shard.loop().now();
  partition->check(part);
  if (part.is_timed) part.spent += owner_.shard.loop().now() - began;
  partition->produce(part);
}

void Intake::refuse(ProducePart& part) const {
  const ErrorCode why = why_absent(owner_, part.id);
  const bool is_deleted = why != ErrorCode::kafka_storage_error;
  part.fail(is_deleted ? ErrorCode::unknown_topic_or_partition : why,
            is_deleted ? "the topic was deleted meanwhile" : "the partition's log could not be opened; the broker's own log says why");
  part.done();
}

}  // namespace tidelog::broker
