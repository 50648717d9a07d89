#include "broker/metadata/machine.h"

#include "proto/base/check.h"

namespace tidelog::broker {
namespace {

/// Ids given away at a time: the log grows by one record per thousand producers.
constexpr std::int64_t kProducerIdBlock = 1000;

}  // namespace

Result<void> MetadataMachine::apply(const MetadataRecord& record) {
  auto next = std::make_shared<Image>(*image_);
  if (Result<void> applied = next->apply(record); !applied) return applied;
  image_ = std::move(next);
  check_invariants();
  return {};
}

void MetadataMachine::check_invariants() const { DCHECK(image_->is_consistent()); }

ProducerIdsDecision MetadataMachine::allocate_producer_ids(NodeId node, std::int64_t broker_epoch) const {
  const ProducerId first = image_->next_producer_id();
  const ProducerId end = first + kProducerIdBlock;
  ProducerIdsDecision decision{.first = first, .end = end};
  decision.records.emplace_back(ProducerIdBlockRecord{.node_id = node, .broker_epoch = broker_epoch, .next_producer_id = end});
  return decision;
}

RegisterDecision MetadataMachine::register_broker(RegisterBrokerRecord record) const {
  const auto known = image_->brokers().find(record.node_id);
  record.broker_epoch = known == image_->brokers().end() ? 1 : known->second.broker_epoch + 1;
  RegisterDecision decision{.broker_epoch = record.broker_epoch};
  decision.records.emplace_back(std::move(record));
  return decision;
}

}  // namespace tidelog::broker
