#include "broker/handlers/admission.h"
#include "broker/handlers/config_admin.h"
#include "broker/handlers/mutation_quota.h"
#include "broker/handlers/topic_admin.h"
#include "broker/shard/let_others_go_on.h"
#include "proto/messages/create_topics_request.h"
#include "proto/messages/create_topics_response.h"

#include <deque>
#include <map>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::CreateTopicsRequest;
using proto::CreateTopicsResponse;
constexpr std::int16_t kFirstVersionToRefuse = 6;
using ConfigAnswer = CreateTopicsResponse::CreatableTopicConfigs;

NewTopic to_topic(const CreateTopicsRequest::CreatableTopic& asked) {
  NewTopic topic{.name = std::string(asked.name), .partitions = asked.num_partitions, .replication_factor = asked.replication_factor};
  for (const auto& assignment : asked.assignments) {
    TopicAssignment& one = topic.assignments.emplace_back();
    one.partition = assignment.partition_index;
    for (const std::int32_t id : assignment.broker_ids) one.replicas.push_back({id});
  }
  for (const auto& config : asked.configs) {
    if (proto::is_null(config.value)) {
      topic.config_without_value = config.name;
    } else {
      topic.configs.insert_or_assign(std::string(config.name), std::string(config.value));
    }
  }
  return topic;
}

/// The configs in force, as versions from 5 on tell them; the strings live in `keep`.
std::vector<ConfigAnswer> to_answers(const std::vector<ConfigEntry>& entries) {
  std::vector<ConfigAnswer> answers;
  for (const ConfigEntry& entry : entries) {
    answers.push_back({.name = entry.name,
                       .value = entry.value ? std::string_view(*entry.value) : std::string_view(),
                       .read_only = entry.is_read_only,
                       .config_source = static_cast<std::int8_t>(entry.source),
                       .is_sensitive = entry.is_sensitive});
  }
  return answers;
}

std::vector<TopicVerdict> refuse_all(const std::vector<NewTopic>& topics) {
  std::vector<TopicVerdict> verdicts;
  for (const NewTopic& topic : topics) {
    verdicts.push_back({.name = topic.name, .error = ErrorCode::throttling_quota_exceeded, .message = MutationQuota::kRefusal});
  }
  return verdicts;
}

/// What a topic's answer comes to with all its configs, laid out and written.
std::size_t answer_bytes() {
  constexpr std::size_t kConfigBytes = 512;
  return topic_option_table().size() * kConfigBytes;
}

/// So many topics are laid out before others have their turn.
constexpr std::size_t kTopicsInOneStep = 50;

struct Laid {
  std::vector<ConfigEntry> entries;
  std::vector<ConfigAnswer> configs;
};

}  // namespace

/// CreateTopics (key 19). The topics are usable on every shard when the answer leaves.
Handle handle_create_topics(HandlerContext context, Request request, SendQueue& to) {
  CreateTopicsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a CreateTopics request could not be read");
    co_return Outcome::close;
  }
  if (!co_await take_for_answer(context, message.topics.size() * answer_bytes())) co_return Outcome::close;
  std::vector<NewTopic> topics;
  for (const auto& asked : message.topics) topics.push_back(to_topic(asked));
  std::map<std::string, ConfigMap, std::less<>> overrides;
  for (const NewTopic& topic : topics) overrides[topic.name] = topic.configs;
  MutationQuota quota(context, request.header, kFirstVersionToRefuse);
  std::vector<TopicVerdict> verdicts;
  if (co_await quota.refuses()) {
    verdicts = refuse_all(topics);
  } else {
    verdicts = co_await create_topics(context, std::move(topics), message.validate_only);
    if (!message.validate_only) co_await quota.charge(partitions_of(verdicts));
  }

  const std::shared_ptr<const Image> image = context.here.image;
  std::deque<Laid> laid;
  std::vector<CreateTopicsResponse::CreatableTopicResult> results;
  for (const TopicVerdict& verdict : verdicts) {
    auto& result = results.emplace_back();
    result.name = verdict.name;
    result.topic_id = verdict.id;
    result.error_code = static_cast<std::int16_t>(verdict.error);
    result.error_message = verdict.message.empty() ? std::string_view() : std::string_view(verdict.message);
    result.num_partitions = verdict.partitions;
    result.replication_factor = static_cast<std::int16_t>(verdict.replication_factor);
    if (verdict.error != ErrorCode::none) continue;
    Laid& one = laid.emplace_back();
    one.entries = describe_topic(broker_layers(context, *image), overrides.at(verdict.name), KeyFilter());
    one.configs = to_answers(one.entries);
    result.configs = std::span<const ConfigAnswer>(one.configs);
    if (laid.size() % kTopicsInOneStep == 0) co_await let_others_go_on(context.loop());
  }
  CreateTopicsResponse response;
  response.throttle_time_ms = quota.throttle_time_ms();
  response.topics = std::span<const CreateTopicsResponse::CreatableTopicResult>(results);
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
