#include "broker/handlers/produce.h"

#include "broker/handlers/handler.h"
#include "proto/messages/produce_request.h"

#include <array>

namespace tidelog::broker {
namespace {

using proto::ProduceRequest;
using proto::ProduceResponse;

constexpr std::int16_t kAcksAll = -1;

/// The bytes lie in the connection's own receive block, which is writable; the codec only knows views.
MutableBytes writable(Bytes bytes) { return {const_cast<std::byte*>(bytes.data()), bytes.size()}; }

}  // namespace

/// One produce request under way. Lives in its connection's queue until it is answered, which is after the last part came back.
class ProduceCall final : public PendingResponse {
 public:
  ProduceCall(ProduceHandler& handler, Connection& connection, Request request)
      : handler_(handler), connection_(connection), request_(std::move(request)) {}

  bool start();
  Outcome encode(SendQueue& to) override;

 private:
  /// The parts that one shard owns; they come back together.
  struct Group final : ProducePart::Owner {
    void on_part_done(ProducePart& part) override;
    ProduceCall* call = nullptr;
    ShardServices* shard = nullptr;
    std::vector<ProducePart*> parts;
    std::size_t waiting = 0;
  };

  /// One topic of the request, read once; its parts lie side by side.
  struct Topic {
    std::string_view name;
    Uuid id;
    proto::Array<ProduceRequest::PartitionProduceData> data;
  };

  void add_parts();
  void resolve(ProducePart& part, const TopicImage* topic, ErrorCode unknown, std::int32_t index);
  void hand_over();
  void send_to_owners();
  void on_group_done();
  std::size_t lay_out(std::size_t topic_index, std::size_t from_part);

  [[nodiscard]] std::int16_t version() const { return request_.header.api_version; }

  ProduceHandler& handler_;
  Connection& connection_;
  Request request_;
  ProduceRequest message_;
  std::vector<Topic> topics_;
  std::unique_ptr<ProducePart[]> parts_;
  std::size_t part_count_ = 0;
  Group local_;
  std::vector<std::unique_ptr<Group>> remote_;
  std::size_t groups_waiting_ = 0;
};

std::unique_ptr<PendingResponse> ProduceHandler::start(Connection& connection, Request request) {
  auto call = std::make_unique<ProduceCall>(*this, connection, std::move(request));
  if (!call->start()) return nullptr;
  return call;
}

bool ProduceCall::start() {
  if (version() < ProduceRequest::kMinVersion || version() > ProduceRequest::kMaxVersion) return false;
  if (!decode(request_.body, version(), message_)) return false;
  topics_.reserve(message_.topic_data.size() == 1 ? 1 : 0);
  for (const auto& topic : message_.topic_data) {
    topics_.push_back({.name = topic.name, .id = topic.topic_id, .data = topic.partition_data});
    part_count_ += topic.partition_data.size();
  }
  parts_ = std::make_unique<ProducePart[]>(part_count_);
  add_parts();
  hand_over();
  return true;
}

void ProduceCall::add_parts() {
  const bool by_id = version() >= 13;
  const Image& image = *handler_.here_.image;
  const bool acks_are_valid = message_.acks >= kAcksAll && message_.acks <= 1;
  std::size_t next = 0;
  for (const Topic& topic : topics_) {
    const TopicImage* found = by_id ? image.find_topic(topic.id) : image.find_topic(topic.name);
    const ErrorCode unknown = by_id ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition;
    for (const auto& data : topic.data) {
      ProducePart& part = parts_[next++];
      part.index = data.index;
      part.records = writable(data.records.bytes);
      part.api_version = version();
      part.waits_for_all = message_.acks == kAcksAll;
      part.has_transactional_id = !proto::is_null(message_.transactional_id);
      resolve(part, found, unknown, data.index);
      if (!acks_are_valid) part.fail(ErrorCode::invalid_required_acks, "acks must be -1 (all), 0 or 1");
    }
  }
}

void ProduceCall::resolve(ProducePart& part, const TopicImage* topic, ErrorCode unknown, std::int32_t index) {
  if (topic == nullptr) return part.fail(unknown, "no such topic: create it, or ask for its metadata with auto-creation allowed");
  if (index < 0 || static_cast<std::size_t>(index) >= topic->partitions.size()) {
    return part.fail(ErrorCode::unknown_topic_or_partition,
                     "topic " + topic->name + " has " + std::to_string(topic->partitions.size()) + " partitions");
  }
  part.id = {.topic_id = topic->id, .partition = {index}};
}

void ProduceCall::hand_over() {
  std::size_t to_do = 0;
  for (std::size_t i = 0; i < part_count_; ++i) {
    ProducePart& part = parts_[i];
    if (part.error != ErrorCode::none) continue;
    ++to_do;
    ShardServices& owner = handler_.node_.owner_of(part.id);
    Group* group = &local_;
    if (&owner != &handler_.here_) {
      const auto known = std::ranges::find_if(remote_, [&](const auto& candidate) { return candidate->shard == &owner; });
      group = known != remote_.end() ? known->get() : remote_.emplace_back(std::make_unique<Group>()).get();
    }
    group->call = this;
    group->shard = &owner;
    group->parts.push_back(&part);
    part.owner = group;
  }
  if (to_do == 0) {
    is_ready_ = true;
    return;
  }
  send_to_owners();
}

void ProduceCall::send_to_owners() {
  const auto deliver = [](Group& group) {
    group.waiting = group.parts.size();
    // A part may be answered inside `produce`; the count above keeps the group alive until the last one was handed over.
    const std::vector<ProducePart*> parts = std::move(group.parts);
    for (ProducePart* part : parts) {
      if (Partition* partition = group.shard->partitions.find(part->id)) {
        partition->produce(*part);
      } else {
        part->fail(ErrorCode::unknown_topic_or_partition, "the topic was deleted meanwhile");
        part->done();
      }
    }
  };
  groups_waiting_ = remote_.size() + (local_.parts.empty() ? 0 : 1);
  for (const auto& group : remote_) {
    group->shard->shard.loop().post([deliver, raw = group.get()] { deliver(*raw); });
  }
  if (!local_.parts.empty()) deliver(local_);
}

void ProduceCall::Group::on_part_done(ProducePart&) {
  if (--waiting > 0) return;
  if (shard == &call->handler_.here_) return call->on_group_done();
  call->handler_.here_.shard.loop().post([finished = call] { finished->on_group_done(); });
}

void ProduceCall::on_group_done() {
  if (--groups_waiting_ > 0) return;
  is_ready_ = true;
  connection_.response_ready();
}

/// Lays out the answers of one topic's parts behind those before; returns the index of the next part.
std::size_t ProduceCall::lay_out(std::size_t topic_partitions, std::size_t from_part) {
  for (std::size_t i = from_part; i < from_part + topic_partitions; ++i) {
    const ProducePart& part = parts_[i];
    auto& answer = handler_.partitions_[i];
    answer.index = part.index;
    answer.error_code = static_cast<std::int16_t>(part.error);
    answer.base_offset = part.base_offset.value;
    answer.log_append_time_ms = part.log_append_time.value;
    answer.log_start_offset = part.log_start_offset.value;
    if (!part.error_message.empty()) answer.error_message = part.error_message;
    const std::size_t first_error = handler_.record_errors_.size();
    for (const ProducePart::RecordError& error : part.record_errors) {
      handler_.record_errors_.push_back({.batch_index = error.batch_index, .batch_index_error_message = error.message});
    }
    answer.record_errors = std::span<const ProduceResponse::BatchIndexAndErrorMessage>(handler_.record_errors_).subspan(first_error);
  }
  return from_part + topic_partitions;
}

Outcome ProduceCall::encode(SendQueue& to) {
  if (message_.acks == 0) {
    // The client expects no answer; closing is the only way to tell it that something is wrong.
    const bool failed =
        std::any_of(parts_.get(), parts_.get() + part_count_, [](const auto& part) { return part.error != ErrorCode::none; });
    return failed ? Outcome::close : Outcome::keep;
  }
  std::size_t error_count = 0;
  for (std::size_t i = 0; i < part_count_; ++i) error_count += parts_[i].record_errors.size();
  // Spans into these vectors are taken below, so they must not grow after this.
  handler_.record_errors_.clear();
  handler_.record_errors_.reserve(error_count);
  handler_.partitions_.assign(part_count_, {});
  handler_.topics_.clear();
  std::size_t part = 0;
  for (const Topic& topic : topics_) {
    const std::size_t end = lay_out(topic.data.size(), part);
    auto& answer = handler_.topics_.emplace_back();
    answer.name = topic.name;
    answer.topic_id = topic.id;
    answer.partition_responses = std::span<const ProduceResponse::PartitionProduceResponse>(handler_.partitions_).subspan(part, end - part);
    part = end;
  }
  ProduceResponse response;
  response.responses = std::span<const ProduceResponse::TopicProduceResponse>(handler_.topics_);
  respond(request_, response, to);
  return Outcome::keep;
}

}  // namespace tidelog::broker
