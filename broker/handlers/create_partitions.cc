#include "broker/handlers/mutation_quota.h"
#include "broker/handlers/topic_admin.h"
#include "proto/messages/create_partitions_request.h"
#include "proto/messages/create_partitions_response.h"

#include <vector>

namespace tidelog::broker {
namespace {

constexpr std::int16_t kFirstVersionToRefuse = 3;

using proto::CreatePartitionsRequest;
using proto::CreatePartitionsResponse;

MorePartitions to_command(const CreatePartitionsRequest::CreatePartitionsTopic& asked) {
  MorePartitions topic{.topic = std::string(asked.name), .count = asked.count, .assignments = {}};
  if (asked.assignments.is_null()) return topic;
  topic.assignments.emplace();
  for (const auto& assignment : asked.assignments) {
    std::vector<NodeId>& replicas = topic.assignments->emplace_back();
    for (const std::int32_t id : assignment.broker_ids) replicas.push_back({id});
  }
  return topic;
}

std::vector<TopicVerdict> refuse_all(const std::vector<MorePartitions>& topics) {
  std::vector<TopicVerdict> verdicts;
  for (const MorePartitions& topic : topics) {
    verdicts.push_back({.name = topic.topic, .error = ErrorCode::throttling_quota_exceeded, .message = MutationQuota::kRefusal});
  }
  return verdicts;
}

/// How many partitions came to be. Verdicts tell how many there are now; `before` is from when they were made.
double added_by(const std::vector<TopicVerdict>& verdicts, const Image& before) {
  double added = 0;
  for (const TopicVerdict& verdict : verdicts) {
    const TopicImage* topic = before.find_topic(verdict.id);
    if (topic != nullptr) added += verdict.partitions - static_cast<double>(topic->partitions.size());
  }
  return added;
}

}  // namespace

/// CreatePartitions (key 37). The new partitions are usable on every shard when the answer leaves.
Handle handle_create_partitions(HandlerContext context, Request request, SendQueue& to) {
  CreatePartitionsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a CreatePartitions request could not be read");
    co_return Outcome::close;
  }
  std::vector<MorePartitions> topics;
  for (const auto& asked : message.topics) topics.push_back(to_command(asked));
  MutationQuota quota(context, request.header, kFirstVersionToRefuse);
  const std::shared_ptr<const Image> before = context.here.image;
  std::vector<TopicVerdict> verdicts;
  if (co_await quota.refuses()) {
    verdicts = refuse_all(topics);
  } else {
    verdicts = co_await create_partitions(context, std::move(topics), message.validate_only);
    if (!message.validate_only) co_await quota.charge(added_by(verdicts, *before));
  }
  std::vector<CreatePartitionsResponse::CreatePartitionsTopicResult> results;
  for (const TopicVerdict& verdict : verdicts) {
    auto& result = results.emplace_back();
    result.name = verdict.name;
    result.error_code = static_cast<std::int16_t>(verdict.error);
    if (!verdict.message.empty()) result.error_message = verdict.message;
  }
  CreatePartitionsResponse response;
  response.throttle_time_ms = quota.throttle_time_ms();
  response.results = std::span<const CreatePartitionsResponse::CreatePartitionsTopicResult>(results);
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
