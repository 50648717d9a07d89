#include "client/admin/damage.h"
#include "client/admin/delete_records.h"
#include "client/admin/offsets.h"
#include "client/core/client_core.h"
#include "client/group/topic_filter.h"
#include "proto/error_code.h"
#include "proto/messages/create_partitions_request.h"
#include "proto/messages/create_partitions_response.h"
#include "proto/messages/create_topics_request.h"
#include "proto/messages/create_topics_response.h"
#include "proto/messages/delete_topics_request.h"
#include "proto/messages/delete_topics_response.h"
#include <tidelog/admin.h>

namespace tidelog {
namespace {

topic_info to_info(const core::TopicMetadata& topic) {
  topic_info info(topic.name, topic.id.is_zero() ? std::string() : topic.id.to_string(), topic.is_internal);
  std::vector<partition_info> partitions;
  for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
    const core::PartitionMetadata& from = topic.partitions[i];
    partitions.emplace_back(static_cast<std::int32_t>(i), from.leader, from.leader_epoch);
    partitions.back().set_replicas(from.replicas, from.in_sync);
  }
  return info.set_partitions(std::move(partitions));
}

/// Puts what a broker said about topics into the order they were asked in. Whoever it did not mention failed, too.
template <class Topics>
std::vector<topic_result> in_order(const std::vector<std::string>& names, const Topics& said, std::string_view verb) {
  std::vector<topic_result> results;
  for (const std::string& name : names) {
    const std::string context = "cannot " + std::string(verb) + " topic \"" + name + "\"";
    result<void> outcome = error(errc::bad_answer, context + ": the broker's answer leaves it out").set_topic(name);
    for (const auto& topic : said) {
      if (topic.name != name) continue;
      outcome = {};
      if (topic.error_code != 0) outcome = error::from_kafka(topic.error_code, context, topic.error_message).set_topic(name);
    }
    results.emplace_back(name, std::move(outcome));
  }
  return results;
}

/// Sends to the controller. A broker that is not, or no longer, passes such requests on.
template <class Response, class Message>
result<core::Reply<Response>> call_controller(core::ClientCore& core, const Message& message, core::TimePoint deadline) {
  if (core.cluster().metadata()->controller < 0) {
    if (const auto known = core.fetch_metadata(std::vector<std::string>{}, false, deadline); !known) return known.error();
  }
  using Answered = core::Reply<Response>;
  return core.retry<Answered>(deadline, [&] { return core.call<Response>(core::Target::controller(), message, deadline); });
}

}  // namespace

result<cluster_info> admin::describe_cluster() {
  const auto known = core_->fetch_metadata(std::vector<std::string>{}, false, core_->api_deadline());
  if (!known) return known.error();
  std::vector<broker_info> brokers;
  for (const auto& [id, address] : (*known)->brokers) brokers.emplace_back(id, address.host, address.port);
  return cluster_info((*known)->cluster_id, (*known)->controller, std::move(brokers));
}

result<std::vector<topic_info>> admin::list_topics() {
  const auto known = core_->fetch_metadata(std::nullopt, false, core_->api_deadline());
  if (!known) return known.error();
  std::vector<topic_info> topics;
  for (const auto& [name, topic] : (*known)->topics) {
    if (topic->error_code == 0) topics.push_back(to_info(*topic));
  }
  return topics;
}

result<std::vector<std::string>> admin::match_topics(const std::string& pattern) {
  const auto filter = core::TopicFilter::compile(pattern);
  if (!filter) return filter.error();
  const result<std::vector<topic_info>> topics = list_topics();
  if (!topics) return topics.error();
  std::vector<std::string> names;
  for (const topic_info& topic : *topics) {
    if (!topic.is_internal() && (*filter)->matches(topic.name())) names.push_back(topic.name());
  }
  return names;
}

result<topic_info> admin::describe_topic(const std::string& name) {
  const auto known = core_->fetch_metadata(std::vector{name}, false, core_->api_deadline());
  if (!known) return known.error();
  const auto topic = (*known)->topic(name);
  if (topic && topic->error_code == 0) return to_info(*topic);
  const int code = topic ? topic->error_code : static_cast<int>(ErrorCode::unknown_topic_or_partition);
  error missing = error::from_kafka(code, "cannot describe topic \"" + name + "\"").set_topic(name);
  if (missing.kind() == errc::not_found) missing.set_message("topic \"" + name + "\" does not exist");
  return missing;
}

result<std::vector<topic_result>> admin::create_topics(const std::vector<new_topic>& topics, bool only_check) {
  using Message = proto::CreateTopicsRequest;
  const core::TimePoint deadline = core_->api_deadline();
  std::vector<std::vector<Message::CreatableTopicConfig>> configs(topics.size());
  std::vector<Message::CreatableTopic> wanted;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < topics.size(); ++i) {
    for (const auto& [key, value] : topics[i].configs()) configs[i].push_back({.name = key, .value = value});
    Message::CreatableTopic& topic = wanted.emplace_back();
    topic.name = topics[i].name();
    topic.num_partitions = topics[i].partitions();
    topic.replication_factor = topics[i].replication_factor();
    topic.configs = configs[i];
    names.push_back(topics[i].name());
  }
  Message message;
  message.topics = wanted;
  message.timeout_ms = static_cast<std::int32_t>(core_->settings().request_timeout.count());
  message.validate_only = only_check;
  const auto answer = call_controller<proto::CreateTopicsResponse>(*core_, message, deadline);
  if (!answer) return answer.error();
  return in_order(names, answer->message.topics, "create");
}

result<std::vector<topic_result>> admin::add_partitions(const std::vector<std::string>& names, std::int32_t count, bool only_check) {
  using Message = proto::CreatePartitionsRequest;
  std::vector<Message::CreatePartitionsTopic> wanted;
  for (const std::string& name : names) {
    Message::CreatePartitionsTopic& topic = wanted.emplace_back();
    topic.name = name;
    topic.count = count;
    topic.assignments = proto::Array<Message::CreatePartitionsAssignment>::null();  // The broker places them.
  }
  Message message;
  message.topics = wanted;
  message.timeout_ms = static_cast<std::int32_t>(core_->settings().request_timeout.count());
  message.validate_only = only_check;
  const auto answer = call_controller<proto::CreatePartitionsResponse>(*core_, message, core_->api_deadline());
  if (!answer) return answer.error();
  return in_order(names, answer->message.results, "add partitions to");
}

result<std::vector<partition_result>> admin::delete_records(const std::string& topic,
                                                            const std::vector<std::pair<std::int32_t, std::int64_t>>& before) {
  return core::delete_records(*core_, topic, before, core_->api_deadline());
}

result<std::vector<topic_result>> admin::delete_topics(const std::vector<std::string>& names) {
  using Message = proto::DeleteTopicsRequest;
  std::vector<std::string_view> views(names.begin(), names.end());
  std::vector<Message::DeleteTopicState> states;
  for (const std::string& name : names) states.push_back({.name = name, .topic_id = {}});
  Message message;
  message.topics = states;      // Version 6 names them here,
  message.topic_names = views;  // and those before it here.
  message.timeout_ms = static_cast<std::int32_t>(core_->settings().request_timeout.count());
  const auto answer = call_controller<proto::DeleteTopicsResponse>(*core_, message, core_->api_deadline());
  if (!answer) return answer.error();
  return in_order(names, answer->message.responses, "delete");
}

result<std::vector<std::int64_t>> admin::list_offsets(const std::string& topic, const std::vector<std::int32_t>& partitions,
                                                      offset_spec where) {
  std::vector<core::OffsetQuery> queries;
  for (const std::int32_t partition : partitions) queries.push_back({.topic = topic, .partition = partition, .where = where});
  return core::look_up_offsets(*core_, queries, core_->api_deadline());
}

std::vector<std::string> admin::describe_damage(const std::string& topic, const std::vector<std::int32_t>& partitions) {
  return core::look_up_damage(*core_, topic, partitions, core_->api_deadline());
}

}  // namespace tidelog
