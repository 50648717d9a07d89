#include "broker/handlers/produce.h"

#include "broker/handlers/admission.h"
#include "broker/handlers/handler.h"
#include "broker/handlers/quotas.h"
#include "broker/handlers/request_quota.h"
#include "broker/metadata/topic_names.h"
#include "proto/codec/single_produce.h"
#include "proto/messages/produce_request.h"

#include <algorithm>
#include <new>

namespace tidelog::broker {
namespace {

using proto::ProduceRequest;
using proto::ProduceResponse;

constexpr std::int16_t kAcksAll = -1;
constexpr std::int16_t kFirstTopicIds = 13;
/// The client id that Kafka's broker lets write to internal topics, for who mends them by hand.
constexpr std::string_view kAdminClient = "__admin_client";
/// The parts of a larger request take turns with everybody else's work, however small each of them is.
constexpr std::size_t kLongRequestBytes = 2 * 1024 * 1024;

/// The bytes lie in the connection's own receive block, which is writable; the codec only knows views.
MutableBytes writable(Bytes bytes) { return {const_cast<std::byte*>(bytes.data()), bytes.size()}; }

}  // namespace

/// One produce request under way. Lives in its connection's queue until it is answered, which is after the last part came back.
/// Most requests have one part, which lies inside, so that they need no memory but the call's own, and that is used again.
class ProduceCall final : public PendingResponse {
 public:
  ProduceCall(ProduceHandler& handler, Connection& connection, Request&& request)
      : handler_(handler), connection_(connection), request_(std::move(request)) {}

  static void* operator new(std::size_t, FreeList& memory) { return memory.take(); }
  static void operator delete(void* call, FreeList& memory) { memory.give(call); }
  static void operator delete(ProduceCall* call, std::destroying_delete_t) {
    FreeList& memory = call->handler_.call_memory_;
    call->~ProduceCall();
    memory.give(call);
  }

  RequestHandler::Started start(AnswerMemory* admitted);
  Request& request() { return request_; }
  Outcome encode(SendQueue& to) override;

 private:
  /// The parts that one shard owns; they come back together.
  struct Group final : ProducePart::Owner {
    void on_part_done(ProducePart& part) override;
    ProduceCall* call = nullptr;
    ShardServices* shard = nullptr;
    std::size_t size = 0;
    std::size_t waiting = 0;
  };

  /// One topic of the request; its parts lie side by side.
  struct Topic {
    std::string_view name;
    Uuid id;
    std::size_t part_count = 0;
  };

  /// What a request holds that has more than one part.
  struct Many {
    std::vector<Topic> topics;
    std::unique_ptr<ProducePart[]> parts;
    AnswerMemory laid_out;  ///< For parts that are many for their bytes.
  };

  RequestHandler::Started start_timed(AnswerMemory* admitted);
  RequestHandler::Started start_untimed(AnswerMemory* admitted);
  void settle_time();
  bool take_single();
  bool take_any();
  Admission admit(AnswerMemory* admitted);
  void add_part(ProducePart& part, const TopicImage* topic, std::int32_t index, Bytes records) const;
  void resolve(ProducePart& part, const TopicImage* topic, std::int32_t index) const;
  void hand_over();
  Group& group_of(ShardServices& owner);
  void send_to_owners();
  static void deliver(Group& group);
  void on_group_done();
  std::int32_t charge();
  Outcome encode_nothing() const;
  [[nodiscard]] bool is_plain_success() const;
  void tell_limits() const;
  void encode_single(SendQueue& to) const;
  void lay_out(const Topic& topic, std::size_t from_part);

  [[nodiscard]] std::int16_t version() const { return request_.header.api_version; }
  [[nodiscard]] bool is_by_id() const { return version() >= kFirstTopicIds; }

  ProduceHandler& handler_;
  Connection& connection_;
  Request request_;
  std::int16_t acks_ = 0;
  std::chrono::milliseconds patience_{};
  bool has_transactional_id_ = false;
  std::span<Topic> topics_;
  std::span<ProducePart> parts_;
  Topic only_topic_;
  ProducePart only_part_;
  std::unique_ptr<Many> many_;
  Group local_;
  std::vector<std::unique_ptr<Group>> remote_;
  std::size_t groups_waiting_ = 0;
  std::int32_t throttle_time_ms_ = 0;
  std::unique_ptr<RequestQuota> time_quota_;  ///< Null: nobody pays for the time it takes.
};

ProduceHandler::ProduceHandler(const Node& node, ShardServices& here) : node_(node), here_(here), call_memory_(sizeof(ProduceCall)) {}

RequestHandler::Started ProduceHandler::start(Connection& connection, Request& request, std::unique_ptr<PendingResponse>& response) {
  std::unique_ptr<ProduceCall> call(new (call_memory_) ProduceCall(*this, connection, std::move(request)));
  const RequestHandler::Started started = call->start(nullptr);
  if (started == RequestHandler::Started::yes) {
    response = std::move(call);
  } else {
    request = std::move(call->request());
  }
  return started;
}

asio::awaitable<std::unique_ptr<PendingResponse>> ProduceHandler::start_later(Connection& connection, Request request) {
  AnswerMemory memory;
  if (!co_await admit_later(node_, connection, request, memory)) co_return nullptr;
  std::unique_ptr<ProduceCall> call(new (call_memory_) ProduceCall(*this, connection, std::move(request)));
  if (call->start(&memory) != RequestHandler::Started::yes) co_return nullptr;
  co_return call;
}

const TopicImage* ProduceHandler::find_topic(bool by_id, std::string_view name, const Uuid& id) {
  const bool is_known = last_topic_ != nullptr && last_image_ == here_.image && (by_id ? last_topic_->id == id : last_topic_->name == name);
  if (is_known) return last_topic_;
  last_image_ = here_.image;
  last_topic_ = by_id ? last_image_->find_topic(id) : last_image_->find_topic(name);
  return last_topic_;
}

RequestHandler::Started ProduceCall::start(AnswerMemory* admitted) {
  if (may_pay_for_time(handler_.here_, connection_)) [[unlikely]]
    return start_timed(admitted);
  return start_untimed(admitted);
}

RequestHandler::Started ProduceCall::start_timed(AnswerMemory* admitted) {
  auto quota = std::make_unique<RequestQuota>(handler_.node_.shards, handler_.here_, connection_, request_.header);
  if (!quota->is_limited()) return start_untimed(admitted);
  time_quota_ = std::move(quota);
  const WorkTime::Piece piece(connection_.client().payer(), handler_.here_.shard.loop());
  const RequestHandler::Started started = start_untimed(admitted);
  // Before the next one is started: what those before it took may be enough.
  if (started == RequestHandler::Started::yes) throttle_time_ms_ = std::max(throttle_time_ms_, time_quota_->settle());
  return started;
}

/// What its parts took where they are owned is known by now.
void ProduceCall::settle_time() {
  for (const ProducePart& part : parts_) time_quota_->add(part.spent);
  throttle_time_ms_ = std::max(throttle_time_ms_, time_quota_->settle());
}

RequestHandler::Started ProduceCall::start_untimed(AnswerMemory* admitted) {
  using Started = RequestHandler::Started;
  if (version() < ProduceRequest::kMinVersion || version() > ProduceRequest::kMaxVersion) return Started::never;
  if (!take_single()) {
    many_ = std::make_unique<Many>();
    const Admission admission = admit(admitted);
    if (admission == Admission::lacks_memory) return Started::later;
    if (admission == Admission::refused || !take_any()) return Started::never;
  }
  throttle_time_ms_ = charge();  // Before the next one is started: a client may send many without waiting for answers.
  hand_over();
  return Started::yes;
}

/// Memory for parts that may be many for their bytes, unless it was there before.
Admission ProduceCall::admit(AnswerMemory* admitted) {
  if (admitted != nullptr) {
    many_->laid_out = std::move(*admitted);
    return Admission::admitted;
  }
  if (request_.body.size() <= kSmallBodyBytes) return Admission::admitted;
  return admit_now(handler_.node_, connection_, request_, many_->laid_out);
}

/// Counts the request against its client's quota, acknowledged or not; how long the client shall wait, if it is over.
std::int32_t ProduceCall::charge() {
  ShardServices& here = handler_.here_;
  if (!has_quotas(here)) return 0;
  ClientQuota quota(handler_.node_.shards, here, request_.header, kProducerByteRate);
  if (!quota.is_limited()) return 0;
  return throttle(connection_, here, request_.header,
                  {.key = kProducerByteRate, .time = quota.charge(static_cast<double>(request_.body.size()))});
}

bool ProduceCall::take_single() {
  proto::SingleProduce message;
  if (!proto::decode_single_produce(request_.body, version(), message)) return false;
  acks_ = message.acks;
  patience_ = std::chrono::milliseconds(message.timeout_ms);
  has_transactional_id_ = !proto::is_null(message.transactional_id);
  only_topic_ = {.name = message.topic, .id = message.topic_id, .part_count = 1};
  topics_ = {&only_topic_, 1};
  parts_ = {&only_part_, 1};
  add_part(only_part_, handler_.find_topic(is_by_id(), message.topic, message.topic_id), message.partition, message.records);
  return true;
}

bool ProduceCall::take_any() {
  ProduceRequest message;
  if (!decode(request_.body, version(), message)) return false;
  acks_ = message.acks;
  patience_ = std::chrono::milliseconds(message.timeout_ms);
  has_transactional_id_ = !proto::is_null(message.transactional_id);
  std::size_t part_count = 0;
  for (const auto& topic : message.topic_data) {
    many_->topics.push_back({.name = topic.name, .id = topic.topic_id, .part_count = topic.partition_data.size()});
    part_count += topic.partition_data.size();
  }
  many_->parts = std::make_unique<ProducePart[]>(part_count);
  topics_ = many_->topics;
  parts_ = {many_->parts.get(), part_count};
  std::size_t next = 0;
  for (const auto& topic : message.topic_data) {
    const TopicImage* found = handler_.find_topic(is_by_id(), topic.name, topic.topic_id);
    for (const auto& data : topic.partition_data) add_part(parts_[next++], found, data.index, data.records.bytes);
  }
  return true;
}

void ProduceCall::add_part(ProducePart& part, const TopicImage* topic, std::int32_t index, Bytes records) const {
  part.index = index;
  part.records = writable(records);
  part.api_version = version();
  part.waits_for_all = acks_ == kAcksAll;
  part.patience = patience_;
  part.has_transactional_id = has_transactional_id_;
  part.is_timed = time_quota_ != nullptr;
  resolve(part, topic, index);
  if (acks_ < kAcksAll || acks_ > 1) part.fail(ErrorCode::invalid_required_acks, "acks must be -1 (all), 0 or 1");
}

void ProduceCall::resolve(ProducePart& part, const TopicImage* topic, std::int32_t index) const {
  if (topic == nullptr) {
    return part.fail(is_by_id() ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition,
                     "no such topic: create it, or ask for its metadata with auto-creation allowed");
  }
  if (is_internal_topic(topic->name) && request_.header.client_id != kAdminClient) {
    return part.fail(ErrorCode::invalid_topic_exception, "only the broker writes to topic " + topic->name + ": choose another topic");
  }
  if (index < 0 || static_cast<std::size_t>(index) >= topic->partitions.size()) {
    return part.fail(ErrorCode::unknown_topic_or_partition,
                     "topic " + topic->name + " has " + std::to_string(topic->partitions.size()) + " partitions");
  }
  part.id = {.topic_id = topic->id, .partition = {index}};
}

void ProduceCall::hand_over() {
  bool has_work = false;
  for (ProducePart& part : parts_) {
    if (part.error != ErrorCode::none) continue;
    has_work = true;
    Group& group = group_of(handler_.node_.owner_of(part.id));
    ++group.size;
    part.owner = &group;
  }
  if (!has_work) {
    is_ready_ = true;
    return;
  }
  send_to_owners();
}

ProduceCall::Group& ProduceCall::group_of(ShardServices& owner) {
  Group* group = &local_;
  if (&owner != &handler_.here_) {
    const auto known = std::ranges::find_if(remote_, [&](const auto& candidate) { return candidate->shard == &owner; });
    group = known != remote_.end() ? known->get() : remote_.emplace_back(std::make_unique<Group>()).get();
  }
  group->call = this;
  group->client = &connection_;
  group->is_long = request_.body.size() > kLongRequestBytes;
  group->shard = &owner;
  return *group;
}

void ProduceCall::send_to_owners() {
  groups_waiting_ = remote_.size() + (local_.size == 0 ? 0 : 1);
  for (const auto& group : remote_) {
    group->shard->shard.loop().post([raw = group.get()] { deliver(*raw); });
  }
  if (local_.size > 0) deliver(local_);
}

/// On the shard of the group.
void ProduceCall::deliver(Group& group) {
  group.waiting = group.size;
  ProducePart* next = group.call->parts_.data();
  // A part may be answered inside `take`, and with the last one the call may go: it is not touched after that was handed over.
  for (std::size_t left = group.size; left > 0; --left) {
    while (next->owner != &group) ++next;
    group.shard->intake.take(*next++);
  }
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

Outcome ProduceCall::encode(SendQueue& to) {
  if (time_quota_ != nullptr) [[unlikely]]
    settle_time();
  if (acks_ != 0 && is_plain_success()) {
    encode_single(to);
    return Outcome::keep;
  }
  tell_limits();
  if (acks_ == 0) return encode_nothing();
  std::size_t error_count = 0;
  for (const ProducePart& part : parts_) error_count += part.record_errors.size();
  // Spans into these vectors are taken below, so they must not grow after this.
  handler_.record_errors_.clear();
  handler_.record_errors_.reserve(error_count);
  handler_.partitions_.assign(parts_.size(), {});
  handler_.topics_.clear();
  std::size_t next = 0;
  for (const Topic& topic : topics_) {
    lay_out(topic, next);
    next += topic.part_count;
  }
  ProduceResponse response;
  response.throttle_time_ms = throttle_time_ms_;
  response.responses = std::span<const ProduceResponse::TopicProduceResponse>(handler_.topics_);
  respond(request_, response, to);
  return Outcome::keep;
}

void ProduceCall::tell_limits() const {
  LimitLog& limits = handler_.here_.shard.limits();
  for (const ProducePart& part : parts_) {
    if (!part.met) continue;
    const Endpoint peer = connection_.peer();
    limits.hit(*part.met, handler_.here_.shard.loop().now(), "refused a batch from {}:{}: {}", peer.host, peer.port, part.error_message);
  }
}

/// The client expects no answer; closing is the only way to tell it that something is wrong.
Outcome ProduceCall::encode_nothing() const {
  const bool failed = std::ranges::any_of(parts_, [](const ProducePart& part) { return part.error != ErrorCode::none; });
  return failed ? Outcome::close : Outcome::keep;
}

bool ProduceCall::is_plain_success() const {
  return parts_.data() == &only_part_ && only_part_.error == ErrorCode::none && throttle_time_ms_ == 0;
}

void ProduceCall::encode_single(SendQueue& to) const {
  proto::Output& out = to.output();
  const std::size_t start = proto::begin_response(out, request_.header.api_key, version(), request_.header.correlation_id);
  proto::encode_single_produced({.topic = only_topic_.name,
                                 .topic_id = only_topic_.id,
                                 .partition = only_part_.index,
                                 .base_offset = only_part_.base_offset,
                                 .log_append_time = only_part_.log_append_time,
                                 .log_start_offset = only_part_.log_start_offset},
                                version(), out);
  proto::end_response(out, start);
}

/// Lays out the answers of one topic's parts, the first of which is `from_part`, behind those before.
void ProduceCall::lay_out(const Topic& topic, std::size_t from_part) {
  for (std::size_t i = from_part; i < from_part + topic.part_count; ++i) {
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
  auto& answer = handler_.topics_.emplace_back();
  answer.name = topic.name;
  answer.topic_id = topic.id;
  answer.partition_responses =
      std::span<const ProduceResponse::PartitionProduceResponse>(handler_.partitions_).subspan(from_part, topic.part_count);
}

}  // namespace tidelog::broker
