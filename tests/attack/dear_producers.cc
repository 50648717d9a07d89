#include "proto/messages/init_producer_id_request.h"
#include "proto/messages/init_producer_id_response.h"
#include "proto/messages/produce_request.h"
#include "proto/record/builder.h"
#include "tests/attack/converse.h"
#include "tests/attack/dear.h"
#include "tests/attack/messages.h"

#include <memory>

namespace tidelog::attack {
namespace {

using proto::InitProducerIdRequest;
using proto::InitProducerIdResponse;
using proto::ProduceRequest;

constexpr std::int16_t kInitVersion = 4;
constexpr std::int16_t kProduceVersion = 9;

struct Producer {
  ProducerId id{-1};
  std::int16_t epoch = -1;
  bool is_asking_for_id = false;
  std::uint64_t batches = 0;
};

std::string ask_for_id() { return framed(InitProducerIdRequest{.transactional_id = {}, .transaction_timeout_ms = 1000}, kInitVersion); }

std::string first_batch(const std::string& topic, const Producer& producer) {
  proto::BatchBuilder builder;
  builder.append({.timestamp = {1'700'000'000'000}, .key = as_bytes("key"), .value = as_bytes("value")});
  const Bytes batch = builder.build({.producer_id = producer.id, .producer_epoch = producer.epoch, .base_sequence = 0});
  const auto partition = static_cast<std::int32_t>(producer.batches % kManyPartitions);
  const std::vector<ProduceRequest::PartitionProduceData> partitions{{.index = partition, .records = {.bytes = batch}}};
  const std::vector<ProduceRequest::TopicProduceData> topics{{.name = topic, .partition_data = partitions}};
  return framed(ProduceRequest{.acks = -1, .timeout_ms = 5000, .topic_data = topics}, kProduceVersion);
}

/// Each takes a producer id, writes one batch, and never comes back to it.
void churn(const Battlefield& field, Tally& tally) {
  constexpr std::size_t kConnections = 100;
  constexpr const char* kFamily = "producer churn";
  Camp camp(field, tally);
  std::vector<Socket> sockets = camp.crowd({.family = kFamily, .count = kConnections, .network = 36});
  std::vector<Producer> producers(sockets.size());
  const auto next = [&](std::size_t who) {
    Producer& producer = producers[who];
    producer.is_asking_for_id = !producer.is_asking_for_id;
    if (producer.is_asking_for_id) return ask_for_id();
    ++producer.batches;
    return first_batch(field.known.many_topic, producer);
  };
  const auto hear = [&](std::size_t who, std::string_view payload) {
    InitProducerIdResponse response;
    Producer& producer = producers[who];
    if (!producer.is_asking_for_id || !read_answer(payload, kInitVersion, response)) return;
    producer.id = {response.producer_id};
    producer.epoch = response.producer_epoch;
  };
  const Exchange churning{.family = kFamily, .next = next, .hear = hear, .patience = field.deadlines.answer()};
  converse(sockets, churning, tally, Clock::now() + field.deadlines.slack / 2);
}

}  // namespace

std::vector<Siege> producer_sieges(const Battlefield& field, Tally& tally) {
  return {{.name = "producer churn", .lasts = field.deadlines.slack, .run = [field, &tally] { churn(field, tally); }}};
}

}  // namespace tidelog::attack
