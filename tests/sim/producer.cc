#include "tests/sim/producer.h"

#include "proto/messages/init_producer_id_request.h"
#include "proto/messages/init_producer_id_response.h"
#include "proto/messages/produce_request.h"
#include "proto/messages/produce_response.h"

namespace tidelog::sim {
namespace {

using proto::ProduceRequest;
using proto::ProduceResponse;

constexpr std::int16_t kFirstVersionWithIds = 13;
constexpr SteadyTime kRestAfterError = std::chrono::milliseconds(10);

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

}  // namespace

SimProducer::SimProducer(ClientWorld& clients, SimLoop& loop, ProducerPlan plan, Dice dice)
    : clients_(clients), loop_(loop), plan_(plan), dice_(dice), next_number_(static_cast<std::size_t>(clients.partitions)) {}

std::string SimProducer::state() const {
  return "producer " + std::to_string(plan_.id) + ": " + std::to_string(made_) + " of " + std::to_string(plan_.batches) +
         " batches made, " + std::to_string(batches_.size()) + " not answered, last error " + std::string(name(last_error_));
}

asio::awaitable<void> SimProducer::run() {
  while (!batches_.empty() || made_ < plan_.batches) {
    const std::unique_ptr<KafkaConnection> connection = co_await connect_or_rest(clients_, loop_, dice_);
    if (connection == nullptr) continue;
    co_await work(*connection);
    forget_in_flight();
    co_await loop_.sleep(kRestAfterError);
  }
  is_done_ = true;
}

asio::awaitable<void> SimProducer::work(KafkaConnection& connection) {
  if (!co_await begin(connection)) co_return;
  while (true) {
    while (in_flight_ < plan_.most_in_flight && (in_flight_ < batches_.size() || made_ < plan_.batches)) {
      if (in_flight_ == batches_.size()) make_batch();
      if (!co_await send(connection, batches_[in_flight_++])) co_return;
    }
    if (in_flight_ == 0) co_return;
    const Next next = co_await await_answer(connection);
    if (next == Next::reconnect) co_return;
    if (plan_.pause.count() > 0) co_await loop_.sleep(SteadyTime(dice_.below(static_cast<std::uint64_t>(plan_.pause.count()))));
  }
}

asio::awaitable<bool> SimProducer::begin(KafkaConnection& connection) {
  if (!plan_.is_idempotent || producer_id_ >= 0) co_return true;
  proto::InitProducerIdRequest request;
  request.transactional_id = std::string_view();  // Null: an empty name would ask for a transaction.
  proto::InitProducerIdResponse response;
  const auto version = static_cast<std::int16_t>(dice_.below(5));
  if (!co_await connection.call(request, version, response)) co_return false;
  last_error_ = static_cast<ErrorCode>(response.error_code);
  if (last_error_ != ErrorCode::none) co_return false;
  producer_id_ = response.producer_id;
  producer_epoch_ = response.producer_epoch;
  clients_.history.note_producer_id(producer_id_, plan_.id);
  co_return true;
}

void SimProducer::make_batch() {
  ++made_;
  const auto drawn = static_cast<int>(dice_.below(next_number_.size()));
  Batch batch{.partition = plan_.only_partition.value_or(drawn),
              .base_sequence = 0,
              .values = {},
              .version = static_cast<std::int16_t>(dice_.between(3, 13))};
  std::int64_t& number = next_number_[static_cast<std::size_t>(batch.partition)];
  batch.base_sequence = static_cast<std::int32_t>(number);
  const std::uint64_t count = dice_.between(1, static_cast<std::uint64_t>(plan_.most_records));
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string value = "p" + std::to_string(plan_.id) + "." + std::to_string(batch.partition) + "." + std::to_string(number) + ":";
    value.append(dice_.below(static_cast<std::uint64_t>(plan_.most_value_bytes) + 1), 'x');
    clients_.history.sent[value] = {.producer = plan_.id,
                                    .partition = batch.partition,
                                    .number = number++,
                                    .is_idempotent = plan_.is_idempotent,
                                    .needs_all = plan_.acks == -1};
    batch.values.push_back(std::move(value));
  }
  batches_.push_back(std::move(batch));
}

asio::awaitable<bool> SimProducer::send(KafkaConnection& connection, Batch& batch) {
  if (batch.was_sent) batch.highest_ack_before = clients_.history.highest_ack.try_emplace(batch.partition, -1).first->second;
  builder_.clear();
  for (const std::string& value : batch.values) {
    const proto::NewRecord record{.timestamp = loop_.wall_clock(), .key = {}, .value = bytes_of(value), .headers = {}};
    builder_.append(record);
  }
  proto::BatchFields fields;
  if (plan_.is_idempotent) {
    fields.producer_id = {producer_id_};
    fields.producer_epoch = producer_epoch_;
    fields.base_sequence = batch.base_sequence;
  }
  const std::vector<ProduceRequest::PartitionProduceData> partitions{
      {.index = batch.partition, .records = {.bytes = builder_.build(fields)}}};
  std::vector<ProduceRequest::TopicProduceData> topics(1);
  if (batch.version >= kFirstVersionWithIds) {
    topics[0].topic_id = clients_.topic_id;
  } else {
    topics[0].name = clients_.topic;
  }
  topics[0].partition_data = partitions;
  ProduceRequest request;
  request.acks = plan_.acks;
  request.timeout_ms = 3000;
  request.topic_data = topics;
  co_return co_await connection.send(request, batch.version);
}

asio::awaitable<SimProducer::Next> SimProducer::await_answer(KafkaConnection& connection) {
  const Result<Bytes> body = co_await connection.receive(KafkaConnection::kPatience);
  if (!body) co_return Next::reconnect;
  ProduceResponse response;
  if (!decode(*body, batches_.front().version, response)) co_return Next::reconnect;
  for (const ProduceResponse::TopicProduceResponse& topic : response.responses) {
    for (const ProduceResponse::PartitionProduceResponse& partition : topic.partition_responses) {
      co_return on_answer(static_cast<ErrorCode>(partition.error_code), partition.base_offset);
    }
  }
  clients_.history.violations.push_back("a produce was answered without its partition");
  co_return Next::reconnect;
}

SimProducer::Next SimProducer::on_answer(ErrorCode error, std::int64_t base_offset) {
  last_error_ = error;
  const bool is_success = error == ErrorCode::none || error == ErrorCode::duplicate_sequence_number;
  if (!is_success) clients_.world.say([&] { return state(); });
  if (is_success) {
    acked(batches_.front(), error == ErrorCode::none ? base_offset : -1);
  } else if (plan_.is_idempotent) {
    const bool may_retry = retriable(error) || error == ErrorCode::out_of_order_sequence_number || error == ErrorCode::unknown_server_error;
    if (!may_retry) clients_.history.violations.push_back(state());
    return Next::reconnect;
  } else if (!retriable(error) && error != ErrorCode::unknown_server_error) {
    for (const std::string& value : batches_.front().values) clients_.history.sent.at(value).outcome = Outcome::refused;
  }
  batches_.pop_front();
  --in_flight_;
  return Next::go_on;
}

void SimProducer::acked(const Batch& batch, std::int64_t base_offset) {
  if (batch.was_sent) {
    clients_.world.mark("an unknown outcome was resolved by sending again");
    // It lies below what others were told before it was sent again, so it was there already.
    if (base_offset >= 0 && base_offset <= batch.highest_ack_before) clients_.world.mark("a duplicate was answered");
  }
  for (std::size_t i = 0; i < batch.values.size(); ++i) {
    SentRecord& record = clients_.history.sent.at(batch.values[i]);
    record.outcome = Outcome::acked;
    record.offset = base_offset < 0 ? -1 : base_offset + static_cast<std::int64_t>(i);
  }
  std::int64_t& highest = clients_.history.highest_ack.try_emplace(batch.partition, -1).first->second;
  highest = std::max(highest, base_offset + static_cast<std::int64_t>(batch.values.size()) - 1);
}

void SimProducer::forget_in_flight() {
  if (plan_.is_idempotent) {
    for (std::size_t i = 0; i < in_flight_; ++i) batches_[i].was_sent = true;
  } else {
    batches_.erase(batches_.begin(), batches_.begin() + static_cast<std::ptrdiff_t>(in_flight_));
  }
  in_flight_ = 0;
}

}  // namespace tidelog::sim
