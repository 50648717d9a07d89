#include "broker/handlers/admission.h"
#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handler.h"
#include "broker/handlers/internal_topics.h"
#include "broker/handlers/mutation_quota.h"
#include "broker/handlers/topic_admin.h"
#include "broker/metadata/topic_names.h"
#include "proto/messages/metadata_request.h"
#include "proto/messages/metadata_response.h"

#include <deque>
#include <optional>
#include <set>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::MetadataRequest;
using proto::MetadataResponse;
using Topic = MetadataResponse::MetadataResponseTopic;
using PartitionAnswer = MetadataResponse::MetadataResponsePartition;

/// Every version is refused new topics over the quota: none has to say so, because a topic may come to be a little later.
constexpr std::int16_t kFirstVersionToRefuse = 0;
constexpr std::int16_t kFirstVersionWithNullForAll = 1;
constexpr std::int16_t kFirstVersionWithIdLookup = 12;
// What each comes to, laid out and written.
constexpr std::size_t kPartitionBytes = sizeof(PartitionAnswer) + 128;
constexpr std::size_t kTopicBytes = sizeof(Topic) + 512;

/// One Metadata request. Keeps alive what the response's views point to.
class MetadataAnswer {
 public:
  MetadataAnswer(HandlerContext context, const Request& request) : context_(context), request_(request) {}

  asio::awaitable<Outcome> run(SendQueue& to);

 private:
  [[nodiscard]] std::int16_t version() const { return request_.header.api_version; }
  [[nodiscard]] bool asks_for_all() const;
  asio::awaitable<void> create_missing();
  void collect();
  [[nodiscard]] std::size_t size_bytes() const;
  void lay_out();
  void add_named(const MetadataRequest::MetadataRequestTopic& asked);
  void add(const TopicImage& topic);
  void add_unknown(std::string_view name, const Uuid& id, ErrorCode error);
  void add_partition(std::vector<PartitionAnswer>& to, const PartitionImage& partition) const;

  HandlerContext context_;
  const Request& request_;
  MetadataRequest message_;
  std::shared_ptr<const Image> image_;  ///< Held: shards swap theirs.
  std::vector<Topic> topics_;
  std::vector<const TopicImage*> found_;  ///< For each of them; null: there is none.
  std::deque<std::vector<PartitionAnswer>> partitions_;
  std::map<std::string, ErrorCode, std::less<>> not_created_;
  std::optional<MutationQuota> quota_;  ///< None: no topic had to be made.

  // A topic asked for twice is answered once.
  std::set<std::pair<std::string_view, Uuid>> asked_;
  std::set<Uuid> answered_;
};

bool MetadataAnswer::asks_for_all() const {
  return message_.topics.is_null() || (version() < kFirstVersionWithNullForAll && message_.topics.empty());
}

asio::awaitable<void> MetadataAnswer::create_missing() {
  // Before version 4 a client could not say that it would rather not have topics made.
  const bool may_create = (version() < 4 || message_.allow_auto_topic_creation) && context_.node.options.auto_create_topics_enable;
  if (!may_create || asks_for_all()) co_return;
  std::vector<NewTopic> missing;
  std::set<std::string_view> seen;
  for (const auto& asked : message_.topics) {
    if (proto::is_null(asked.name) || !asked.topic_id.is_zero() || context_.image().find_topic(asked.name) != nullptr) continue;
    if (seen.insert(asked.name).second) missing.push_back(automatic_topic(context_, asked.name));
  }
  if (missing.empty()) co_return;
  quota_.emplace(context_, request_.header, kFirstVersionToRefuse);
  // As in Kafka, whose controller refuses them: unknown for now, and the client asks again when it may.
  if (co_await quota_->refuses()) co_return;
  const std::vector<TopicVerdict> verdicts = co_await create_topics(context_, std::move(missing), false);
  for (const TopicVerdict& verdict : verdicts) {
    // Somebody else was quicker: just as good.
    if (verdict.error != ErrorCode::none && verdict.error != ErrorCode::topic_already_exists) not_created_[verdict.name] = verdict.error;
  }
  co_await quota_->charge(partitions_of(verdicts));
}

void MetadataAnswer::add_partition(std::vector<PartitionAnswer>& to, const PartitionImage& partition) const {
  PartitionAnswer& answer = to.emplace_back();
  answer.partition_index = partition.index.value;
  const Leadership lead = leadership_of(context_, partition);
  answer.leader_id = lead.leader.value;
  answer.leader_epoch = partition.leader_epoch.value;
  answer.replica_nodes = ids_of(partition.replicas);
  answer.isr_nodes = ids_of(partition.isr);
  answer.offline_replicas = ids_of(*lead.offline);
  if (lead.leader.value < 0) answer.error_code = static_cast<std::int16_t>(ErrorCode::leader_not_available);
}

void MetadataAnswer::add(const TopicImage& topic) {
  if (!answered_.insert(topic.id).second) return;  // Asked for by name and by id.
  Topic& answer = topics_.emplace_back();
  found_.push_back(&topic);
  answer.name = topic.name;
  answer.topic_id = topic.id;
  answer.is_internal = is_internal_topic(topic.name);
  if (message_.include_topic_authorized_operations) answer.topic_authorized_operations = kTopicOperations;
}

void MetadataAnswer::add_unknown(std::string_view name, const Uuid& id, ErrorCode error) {
  Topic& answer = topics_.emplace_back();
  found_.push_back(nullptr);
  answer.error_code = static_cast<std::int16_t>(error);
  answer.name = name;
  answer.topic_id = id;
}

void MetadataAnswer::add_named(const MetadataRequest::MetadataRequestTopic& asked) {
  const bool by_id = !asked.topic_id.is_zero();
  if (by_id && version() < kFirstVersionWithIdLookup) return add_unknown(asked.name, asked.topic_id, ErrorCode::invalid_request);
  if (by_id) {
    const TopicImage* topic = image_->find_topic(asked.topic_id);
    return topic != nullptr ? add(*topic) : add_unknown({}, asked.topic_id, ErrorCode::unknown_topic_id);
  }
  if (proto::is_null(asked.name)) return add_unknown({}, {}, ErrorCode::invalid_request);
  if (const TopicImage* topic = image_->find_topic(asked.name)) return add(*topic);
  const auto refused = not_created_.find(asked.name);
  if (refused != not_created_.end()) return add_unknown(asked.name, {}, refused->second);
  const bool is_legal = topic_name_problem(asked.name).empty();
  add_unknown(asked.name, {}, is_legal ? ErrorCode::unknown_topic_or_partition : ErrorCode::invalid_topic_exception);
}

void MetadataAnswer::collect() {
  image_ = context_.here.image;
  if (asks_for_all()) {
    topics_.reserve(image_->topics().size());
    for (const auto& [name, topic] : image_->topics()) add(*topic);
    return;
  }
  for (const auto& asked : message_.topics) {
    if (asked_.emplace(asked.name, asked.topic_id).second) add_named(asked);
  }
}

std::size_t MetadataAnswer::size_bytes() const {
  // Those that are named were paid for when the request was admitted, but for their partitions.
  std::size_t bytes = asks_for_all() ? topics_.size() * kTopicBytes : 0;
  for (const TopicImage* topic : found_) bytes += topic == nullptr ? 0 : topic->partitions.size() * kPartitionBytes;
  return bytes;
}

void MetadataAnswer::lay_out() {
  for (std::size_t i = 0; i < topics_.size(); ++i) {
    if (found_[i] == nullptr) continue;
    std::vector<PartitionAnswer>& partitions = partitions_.emplace_back();
    partitions.reserve(found_[i]->partitions.size());
    for (const PartitionImage& partition : found_[i]->partitions) add_partition(partitions, partition);
    topics_[i].partitions = std::span<const PartitionAnswer>(partitions);
  }
}

asio::awaitable<Outcome> MetadataAnswer::run(SendQueue& to) {
  if (!decode(request_.body, version(), message_)) {
    context_.connection.note_close_reason("a Metadata request could not be read");
    co_return Outcome::close;
  }
  co_await create_missing();
  collect();
  if (!co_await take_for_answer(context_, size_bytes())) co_return Outcome::close;
  lay_out();
  const std::vector<ClusterMember> members = cluster_members(context_);
  std::vector<MetadataResponse::MetadataResponseBroker> brokers;
  for (const ClusterMember& member : members) {
    brokers.push_back(
        {.node_id = member.id.value, .host = member.address.host, .port = member.address.port, .rack = member.rack_or_null()});
  }
  MetadataResponse response;
  if (quota_) response.throttle_time_ms = quota_->throttle_time_ms();
  response.brokers = std::span<const MetadataResponse::MetadataResponseBroker>(brokers);
  response.cluster_id = image_->cluster_id();
  response.controller_id = context_.node.id.value;
  response.topics = std::span<const Topic>(topics_);
  if (message_.include_cluster_authorized_operations) response.cluster_authorized_operations = kClusterOperations;
  respond(request_, response, to);
  co_return Outcome::keep;
}

}  // namespace

/// Metadata (key 3): brokers, topics, leaders; makes topics that are asked for by name if both sides allow it.
Handle handle_metadata(HandlerContext context, Request request, SendQueue& to) {
  MetadataAnswer answer(context, request);
  co_return co_await answer.run(to);
}

}  // namespace tidelog::broker
