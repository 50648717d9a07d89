#include "broker/handlers/admission.h"
#include "broker/handlers/config_admin.h"
#include "broker/metadata/topic_names.h"
#include "broker/shard/let_others_go_on.h"
#include "proto/messages/describe_configs_request.h"
#include "proto/messages/describe_configs_response.h"

#include <charconv>
#include <deque>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::DescribeConfigsRequest;
using proto::DescribeConfigsResponse;
using Asked = DescribeConfigsRequest::DescribeConfigsResource;
using EntryAnswer = DescribeConfigsResponse::DescribeConfigsResourceResult;
using SynonymAnswer = DescribeConfigsResponse::DescribeConfigsSynonym;
using ResourceAnswer = DescribeConfigsResponse::DescribeConfigsResult;

constexpr std::int8_t kTopic = 2, kBroker = 4, kBrokerLogger = 8, kClientMetrics = 16, kGroup = 32;
/// Keys in one answer: a few bytes of a request ask for hundreds of them.
constexpr std::size_t kMostEntries = 50'000;
/// What a key comes to, laid out and written, with its synonyms; and its documentation.
constexpr std::size_t kEntryBytes = 1024;
constexpr std::size_t kDocBytes = 1024;
/// So many are laid out before others have their turn.
constexpr std::size_t kEntriesInOneStep = 2000;

std::int8_t wire_type(std::optional<OptionType> type) {
  if (!type) return 0;
  switch (*type) {
    case OptionType::boolean: return 1;
    case OptionType::text:
    case OptionType::choice: return 2;
    case OptionType::integer: return 3;
    case OptionType::short_integer: return 4;
    case OptionType::long_integer: return 5;
    case OptionType::real: return 6;
    case OptionType::list: return 7;
    case OptionType::class_name: return 8;
    case OptionType::password: return 9;
  }
  return 0;
}

std::string_view or_null(const std::optional<std::string>& text) { return text ? std::string_view(*text) : std::string_view(); }

/// A resource's configs, laid out for the encoder; what the answer views lives here.
struct Laid {
  std::vector<ConfigEntry> entries;
  std::vector<EntryAnswer> answers;
  std::deque<std::vector<SynonymAnswer>> synonyms;
  std::deque<std::string> docs;
  std::string error_message;
};

class DescribeConfigsAnswer {
 public:
  DescribeConfigsAnswer(const HandlerContext& context, const DescribeConfigsRequest& message)
      : context_(context),
        message_(message),
        image_(context.here.image),
        options_(context.here.options),
        layers_(broker_layers(context, *image_)),
        entry_bytes_(message.include_documentation ? kEntryBytes + kDocBytes : kEntryBytes),
        most_entries_(std::min(kMostEntries, AnswerMemory::most_bytes(context.here.shard) / entry_bytes_)) {}

  /// What all that is asked for may come to.
  [[nodiscard]] std::size_t size_bytes() const;
  void add(const Asked& asked);
  [[nodiscard]] std::size_t entries() const { return entries_; }
  [[nodiscard]] DescribeConfigsResponse response() const {
    DescribeConfigsResponse response;
    response.results = answers_;
    return response;
  }

 private:
  struct Refusal {
    ErrorCode error = ErrorCode::none;
    std::string message;
  };

  [[nodiscard]] std::size_t keys_of(const Asked& asked) const;
  Refusal describe_once(const Asked& asked, std::vector<ConfigEntry>& entries);
  Refusal describe(const Asked& asked, const KeyFilter& filter, std::vector<ConfigEntry>& entries) const;
  Refusal describe_topic_resource(const std::string& name, const KeyFilter& filter, std::vector<ConfigEntry>& entries) const;
  Refusal describe_broker_resource(const std::string& name, const KeyFilter& filter, std::vector<ConfigEntry>& entries) const;
  void lay(Laid& laid) const;

  const HandlerContext& context_;
  const DescribeConfigsRequest& message_;
  // Held while others have their turn: commits replace them, and the layers are views of both.
  std::shared_ptr<const Image> image_;
  std::shared_ptr<const BrokerOptions> options_;
  BrokerLayers layers_;
  std::size_t entry_bytes_;
  std::size_t most_entries_;
  std::set<std::pair<std::int8_t, std::string_view>> asked_;
  std::deque<Laid> laid_;
  std::vector<ResourceAnswer> answers_;
  std::size_t entries_ = 0;
};

DescribeConfigsAnswer::Refusal DescribeConfigsAnswer::describe_topic_resource(const std::string& name, const KeyFilter& filter,
                                                                              std::vector<ConfigEntry>& entries) const {
  if (std::string problem = topic_name_problem(name); !problem.empty()) return {ErrorCode::invalid_topic_exception, std::move(problem)};
  const TopicImage* topic = image_->find_topic(name);
  if (topic == nullptr) return {ErrorCode::unknown_topic_or_partition, "there is no topic \"" + name + "\""};
  entries = describe_topic(layers_, topic->configs, filter);
  return {};
}

DescribeConfigsAnswer::Refusal DescribeConfigsAnswer::describe_broker_resource(const std::string& name, const KeyFilter& filter,
                                                                               std::vector<ConfigEntry>& entries) const {
  const std::string self = std::to_string(context_.node.id.value);
  if (name != self && !name.empty()) {
    return {ErrorCode::invalid_request,
            "this is broker " + self + ": \"" + name + "\" is neither its id nor empty, which means all brokers"};
  }
  entries = name.empty() ? describe_all_brokers(layers_, filter) : describe_broker(layers_, filter);
  return {};
}

DescribeConfigsAnswer::Refusal DescribeConfigsAnswer::describe(const Asked& asked, const KeyFilter& filter,
                                                               std::vector<ConfigEntry>& entries) const {
  const std::string name(asked.resource_name);
  switch (asked.resource_type) {
    case kTopic: return describe_topic_resource(name, filter, entries);
    case kBroker: return describe_broker_resource(name, filter, entries);
    case kBrokerLogger:
      return {ErrorCode::invalid_request, "this broker has no loggers of its own: log.level at start says what is logged"};
    case kClientMetrics:
    case kGroup: break;
    default:
      return {ErrorCode::invalid_request,
              "resource type " + std::to_string(asked.resource_type) + " is none: 2 is a topic, 4 a broker, 16 client metrics, 32 a group"};
  }
  if (name.empty()) return {ErrorCode::invalid_request, "the name of the resource is empty: only brokers have configs for all"};
  const bool is_group = asked.resource_type == kGroup;
  const ConfigMap& overrides = image_->configs_of(is_group ? ConfigScope::group : ConfigScope::client_metrics, name);
  entries = is_group ? describe_group(layers_, overrides, filter) : describe_client_metrics(overrides, filter);
  return {};
}

void DescribeConfigsAnswer::lay(Laid& laid) const {
  for (const ConfigEntry& entry : laid.entries) {
    EntryAnswer& answer = laid.answers.emplace_back();
    answer.name = entry.name;
    answer.value = or_null(entry.value);
    answer.read_only = entry.is_read_only;
    answer.config_source = static_cast<std::int8_t>(entry.source);
    answer.is_sensitive = entry.is_sensitive;
    answer.config_type = wire_type(entry.type);
    answer.documentation = std::string_view();
    if (message_.include_documentation && !entry.doc.empty()) {
      answer.documentation = laid.docs.emplace_back(full_doc(entry.doc, entry.no_effect));
    }
    if (!message_.include_synonyms) continue;
    std::vector<SynonymAnswer>& synonyms = laid.synonyms.emplace_back();
    for (const ConfigSynonym& synonym : entry.synonyms) {
      synonyms.push_back({.name = synonym.name, .value = or_null(synonym.value), .source = static_cast<std::int8_t>(synonym.source)});
    }
    answer.synonyms = synonyms;
  }
}

std::size_t DescribeConfigsAnswer::keys_of(const Asked& asked) const {
  const std::size_t set = layers_.own.size() + layers_.for_all.size() + layers_.started.stated.size();
  switch (asked.resource_type) {
    case kTopic: return topic_option_table().size();
    case kBroker: return broker_option_table().size() + set;
    case kClientMetrics: return client_metrics_options().size();
    case kGroup: return group_options().size();
    default: return 0;
  }
}

std::size_t DescribeConfigsAnswer::size_bytes() const {
  std::set<std::pair<std::int8_t, std::string_view>> resources;
  std::size_t keys = 0;
  for (const Asked& asked : message_.resources) {
    if (!resources.emplace(asked.resource_type, asked.resource_name).second) continue;
    const std::size_t all = keys_of(asked);
    keys += asked.configuration_keys.empty() ? all : std::min(all, asked.configuration_keys.size());
  }
  return std::min(keys, most_entries_) * entry_bytes_;
}

DescribeConfigsAnswer::Refusal DescribeConfigsAnswer::describe_once(const Asked& asked, std::vector<ConfigEntry>& entries) {
  if (!asked_.emplace(asked.resource_type, asked.resource_name).second) {
    return {ErrorCode::invalid_request, "this resource was asked about before in the same request: its configs stand there"};
  }
  if (entries_ >= most_entries_) {
    Refusal refusal{ErrorCode::policy_violation,
                    "one answer holds " + std::to_string(most_entries_) + " keys, and those before took them: ask in several requests"};
    note_request_too_large(context_, refusal.message);
    return refusal;
  }
  std::set<std::string_view> keys;
  for (const std::string_view key : asked.configuration_keys) keys.insert(key);
  return describe(asked, KeyFilter(std::move(keys)), entries);
}

void DescribeConfigsAnswer::add(const Asked& asked) {
  Laid& laid = laid_.emplace_back();
  Refusal refusal = describe_once(asked, laid.entries);
  entries_ += laid.entries.size();
  lay(laid);
  laid.error_message = std::move(refusal.message);
  ResourceAnswer& answer = answers_.emplace_back();
  answer.error_code = static_cast<std::int16_t>(refusal.error);
  answer.error_message = laid.error_message;
  answer.resource_type = asked.resource_type;
  answer.resource_name = asked.resource_name;
  answer.configs = laid.answers;
}

}  // namespace

/// DescribeConfigs (KIP-133, KIP-226; key 32). No list of keys, and an empty one, ask for all of them.
Handle handle_describe_configs(HandlerContext context, Request request, SendQueue& to) {
  DescribeConfigsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a DescribeConfigs request could not be read");
    co_return Outcome::close;
  }
  if (message.resources.size() > kMostConfigItems) {
    context.connection.note_close_reason("it asked about the configs of too many resources at once", Limit::one_request);
    co_return Outcome::close;
  }
  DescribeConfigsAnswer answer(context, message);
  if (!co_await take_for_answer(context, answer.size_bytes())) co_return Outcome::close;
  std::size_t step = 0;
  for (const Asked& asked : message.resources) {
    answer.add(asked);
    if (answer.entries() / kEntriesInOneStep == step) continue;
    step = answer.entries() / kEntriesInOneStep;
    co_await let_others_go_on(context.loop());
  }
  const DescribeConfigsResponse response = answer.response();
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
