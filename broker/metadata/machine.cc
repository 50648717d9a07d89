#include "broker/metadata/machine.h"

#include "proto/base/check.h"

#include <utility>

namespace tidelog::broker {
namespace {

/// Ids given away at a time: the log grows by one record per thousand producers.
constexpr std::int64_t kProducerIdBlock = 1000;
[[maybe_unused]] constexpr std::size_t kWalkedPartitions = 512;

}  // namespace

Result<void> MetadataMachine::apply(const MetadataRecord& record) { return apply(std::span(&record, 1)); }

Result<void> MetadataMachine::apply(std::span<const MetadataRecord> records) {
  auto next = std::make_shared<Image>(*image_);
  for (const MetadataRecord& record : records) {
    if (Result<void> applied = next->apply(record); !applied) return applied;
  }
  image_ = std::move(next);
  check_invariants();
  return {};
}

void MetadataMachine::check_invariants() const {
  // A record is judged before it is applied, so the walk guards against our own slips; over a large cluster, after each of its many
  // records, it would take a debug build minutes.
  DCHECK(image_->partition_count() > kWalkedPartitions || image_->is_consistent());
}

ProducerIdsDecision MetadataMachine::allocate_producer_ids(NodeId node, std::int64_t broker_epoch) const {
  const ProducerId first = image_->next_producer_id();
  const ProducerId end = first + kProducerIdBlock;
  ProducerIdsDecision decision{.first = first, .end = end};
  decision.records.emplace_back(ProducerIdBlockRecord{.node_id = node, .broker_epoch = broker_epoch, .next_producer_id = end});
  return decision;
}

RegisterDecision MetadataMachine::register_broker(RegisterBrokerRecord record) const {
  const auto known = image_->brokers().find(record.node_id);
  if (known != image_->brokers().end() && known->second.incarnation == record.incarnation) {
    return {.records = {}, .broker_epoch = known->second.broker_epoch};
  }
  record.broker_epoch = known == image_->brokers().end() ? 1 : known->second.broker_epoch + 1;
  RegisterDecision decision{.broker_epoch = record.broker_epoch};
  decision.records.emplace_back(std::move(record));
  return decision;
}

}  // namespace tidelog::broker
