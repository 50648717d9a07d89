#include "broker/handlers/mutation_quota.h"
#include "broker/handlers/topic_admin.h"
#include "proto/messages/delete_topics_request.h"
#include "proto/messages/delete_topics_response.h"

#include <vector>

namespace tidelog::broker {
namespace {

constexpr std::int16_t kFirstVersionToRefuse = 5;
constexpr std::int16_t kFirstVersionWithIds = 6;

std::vector<TopicVerdict> refuse_all(const std::vector<TopicSelector>& topics, ErrorCode error, const char* why) {
  std::vector<TopicVerdict> verdicts;
  for (const TopicSelector& topic : topics) {
    verdicts.push_back({.name = topic.name.value_or(""), .id = topic.id, .error = error, .message = why});
  }
  return verdicts;
}

double deleted_by(const std::vector<TopicVerdict>& verdicts, const Image& before) {
  double deleted = 0;
  for (const TopicVerdict& verdict : verdicts) {
    const TopicImage* topic = verdict.error == ErrorCode::none ? before.find_topic(verdict.id) : nullptr;
    if (topic != nullptr) deleted += static_cast<double>(topic->partitions.size());
  }
  return deleted;
}

}  // namespace

/// DeleteTopics (key 20). No shard finds the topics any more when the answer leaves; their bytes go a little later.
Handle handle_delete_topics(HandlerContext context, Request request, SendQueue& to) {
  proto::DeleteTopicsRequest message;
  const std::int16_t version = request.header.api_version;
  if (!decode(request.body, version, message)) {
    context.connection.note_close_reason("a DeleteTopics request could not be read");
    co_return Outcome::close;
  }
  std::vector<TopicSelector> asked;
  for (const std::string_view name : message.topic_names) asked.push_back({.name = std::string(name)});
  for (const auto& topic : message.topics) {
    TopicSelector& selector = asked.emplace_back();
    if (!proto::is_null(topic.name)) selector.name = topic.name;
    selector.id = topic.topic_id;
  }
  MutationQuota quota(context, request.header, kFirstVersionToRefuse);
  const std::shared_ptr<const Image> before = context.here.image;
  std::vector<TopicVerdict> verdicts;
  if (!context.node.options.delete_topic_enable) {
    verdicts = refuse_all(asked, ErrorCode::topic_deletion_disabled, "this broker was started with delete.topic.enable=false");
  } else if (co_await quota.refuses()) {
    verdicts = refuse_all(asked, ErrorCode::throttling_quota_exceeded, MutationQuota::kRefusal);
  } else {
    verdicts = co_await delete_topics(context, std::move(asked));
    co_await quota.charge(deleted_by(verdicts, *before));
  }
  std::vector<proto::DeleteTopicsResponse::DeletableTopicResult> results;
  for (const TopicVerdict& verdict : verdicts) {
    auto& result = results.emplace_back();
    // Null where only an id was given that nobody has; an unknown name comes back as it was asked, even the empty one.
    const bool was_named = !verdict.name.empty() || verdict.error == ErrorCode::unknown_topic_or_partition;
    result.name = was_named || version < kFirstVersionWithIds ? std::string_view(verdict.name) : std::string_view();
    result.topic_id = verdict.id;
    result.error_code = static_cast<std::int16_t>(verdict.error);
    if (!verdict.message.empty()) result.error_message = verdict.message;
  }
  proto::DeleteTopicsResponse response;
  response.throttle_time_ms = quota.throttle_time_ms();
  response.responses = std::span<const proto::DeleteTopicsResponse::DeletableTopicResult>(results);
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
