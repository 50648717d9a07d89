#include "client/core/client_core.h"
#include "proto/messages/describe_configs_request.h"
#include "proto/messages/describe_configs_response.h"
#include "proto/messages/incremental_alter_configs_request.h"
#include "proto/messages/incremental_alter_configs_response.h"
#include <tidelog/admin.h>

#include <algorithm>
#include <charconv>

namespace tidelog {
namespace {

std::string words_for(const config_resource& resource) {
  switch (resource.type()) {
    case config_resource::kind::topic: return "topic \"" + resource.name() + "\"";
    case config_resource::kind::broker: return resource.name().empty() ? "all brokers" : "broker " + resource.name();
    case config_resource::kind::group: return "group \"" + resource.name() + "\"";
    case config_resource::kind::client_metrics: return "client metrics \"" + resource.name() + "\"";
  }
  return resource.name();
}

/// A broker knows its own configs alone; anything else any broker can answer.
core::Target target_of(const config_resource& resource) {
  std::int32_t id = 0;
  const std::string& name = resource.name();
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), id);
  const bool is_id = failed == std::errc{} && end == name.data() + name.size();
  return resource.type() == config_resource::kind::broker && is_id ? core::Target::node(id) : core::Target::any();
}

/// Sends to whoever may answer, and says so if there is no such broker.
template <class Response, class Message>
result<core::Reply<Response>> call(core::ClientCore& core, const config_resource& resource, const Message& message) {
  const core::TimePoint deadline = core.api_deadline();
  const core::Target target = target_of(resource);
  if (!target.is_any()) {
    const auto known = core.fetch_metadata(std::vector<std::string>{}, false, deadline);
    if (!known) return known.error();
    const bool is_there = std::ranges::any_of((*known)->brokers, [&](const auto& one) { return one.first == target.id(); });
    if (!is_there) return error(errc::not_found, "there is no " + words_for(resource)).set_hint("tidelog cluster status");
  }
  using Answered = core::Reply<Response>;
  return core.retry<Answered>(deadline, [&] { return core.call<Response>(target, message, deadline); });
}

std::optional<std::string> text_or_none(std::string_view text) {
  return proto::is_null(text) ? std::nullopt : std::optional<std::string>(text);
}

config_source to_source(std::int8_t code) {
  const bool is_known = code > 0 && code <= static_cast<std::int8_t>(config_source::group);
  return is_known ? static_cast<config_source>(code) : config_source::unknown;
}

config_entry to_entry(const proto::DescribeConfigsResponse::DescribeConfigsResourceResult& from) {
  config_entry entry(std::string(from.name), text_or_none(from.value), to_source(from.config_source));
  std::vector<config_synonym> synonyms;
  for (const auto& synonym : from.synonyms) {
    synonyms.emplace_back(std::string(synonym.name), text_or_none(synonym.value), to_source(synonym.source));
  }
  return entry.set_marks(from.read_only, from.is_sensitive).set_synonyms(std::move(synonyms));
}

error left_out(const std::string& context) { return {errc::bad_answer, context + ": the broker's answer leaves it out"}; }

}  // namespace

result<std::vector<config_entry>> admin::describe_configs(const config_resource& resource, const std::vector<std::string>& keys) {
  using Message = proto::DescribeConfigsRequest;
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  Message::DescribeConfigsResource asked{.resource_type = static_cast<std::int8_t>(resource.type()), .resource_name = resource.name()};
  asked.configuration_keys = keys.empty() ? proto::Array<std::string_view>::null() : proto::Array<std::string_view>(views);
  const std::vector<Message::DescribeConfigsResource> resources{asked};
  Message message{.resources = resources, .include_synonyms = true};
  const auto answer = call<proto::DescribeConfigsResponse>(*core_, resource, message);
  if (!answer) return answer.error();
  const std::string context = "cannot describe the configs of " + words_for(resource);
  for (const auto& one : answer->message.results) {
    if (one.error_code != 0) return error::from_kafka(one.error_code, context, one.error_message);
    std::vector<config_entry> entries;
    for (const auto& entry : one.configs) entries.push_back(to_entry(entry));
    std::ranges::sort(entries, {}, &config_entry::key);
    return entries;
  }
  return left_out(context);
}

result<void> admin::incremental_alter_configs(const config_resource& resource, const std::vector<config_change>& changes, bool only_check) {
  using Message = proto::IncrementalAlterConfigsRequest;
  std::vector<Message::AlterableConfig> configs;
  for (const config_change& change : changes) {
    const bool has_value = change.what() != config_change::operation::remove;
    configs.push_back({.name = change.key(),
                       .config_operation = static_cast<std::int8_t>(change.what()),
                       .value = has_value ? std::string_view(change.value()) : std::string_view()});
  }
  Message::AlterConfigsResource asked{.resource_type = static_cast<std::int8_t>(resource.type()), .resource_name = resource.name()};
  asked.configs = configs;
  const std::vector<Message::AlterConfigsResource> resources{asked};
  const Message message{.resources = resources, .validate_only = only_check};
  const auto answer = call<proto::IncrementalAlterConfigsResponse>(*core_, resource, message);
  if (!answer) return answer.error();
  const std::string context = "cannot change the configs of " + words_for(resource);
  for (const auto& one : answer->message.responses) {
    if (one.error_code != 0) return error::from_kafka(one.error_code, context, one.error_message);
    return {};
  }
  return left_out(context);
}

}  // namespace tidelog
