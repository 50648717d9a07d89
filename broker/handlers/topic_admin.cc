#include "broker/handlers/topic_admin.h"

#include "broker/handlers/admission.h"
#include "broker/handlers/change_metadata.h"
#include "broker/handlers/config_admin.h"
#include "broker/log_dirs.h"

namespace tidelog::broker {
namespace {

/// Random and not zero, which would mean "none".
Uuid new_id(Random& random) {
  Uuid id;
  while (id.is_zero()) random.fill(id.bytes);
  return id;
}

std::size_t random_place(Random& random) {
  std::array<std::byte, 2> bytes;
  random.fill(bytes);
  return load_be<std::uint16_t>(bytes.data());
}

/// Checks topics of one request, one after the other.
ConfigCheck config_check(const BrokerOptions& options) {
  return [defaults = topic_defaults(options), suggestions = Suggestions()](const ConfigMap& configs) mutable {
    const Result<void, ConfigError> checked = validate_topic_configs(defaults, configs, suggestions);
    return checked ? std::string() : to_sentence(checked.error());
  };
}

/// On the first shard's loop.
DirectoryChoice directories_of(const HandlerContext& context) {
  return {.broker = context.node.id, .directories = context.node.dirs.choice()};
}

void note_refused_size(HandlerContext context, const std::vector<TopicVerdict>& verdicts) {
  const auto refused = std::ranges::find(verdicts, ErrorCode::policy_violation, &TopicVerdict::error);
  if (refused != verdicts.end()) note_request_too_large(context, refused->message);
}

}  // namespace

asio::awaitable<std::vector<TopicVerdict>> create_topics(HandlerContext context, std::vector<NewTopic> topics, bool validate_only) {
  Random& random = context.here.shard.env().random();
  const std::shared_ptr<const BrokerOptions> in_force = context.here.options;
  const BrokerOptions& options = *in_force;
  CreateTopicsCommand command;
  command.topics = std::move(topics);
  command.default_partitions = options.num_partitions;
  command.default_replication_factor = options.default_replication_factor;
  command.validate_only = validate_only;
  command.check_configs = config_check(options);
  command.first_broker = random_place(random);
  for (NewTopic& topic : command.topics) topic.id = new_id(random);

  const auto decide = [&](const MetadataMachine& machine) {
    command.directories = directories_of(context);
    return machine.create_topics(command);
  };
  TopicsDecision decision = co_await change_metadata(context, decide);
  note_refused_size(context, decision.verdicts);
  co_return std::move(decision.verdicts);
}

double partitions_of(const std::vector<TopicVerdict>& verdicts) {
  double partitions = 0;
  for (const TopicVerdict& verdict : verdicts) partitions += verdict.error == ErrorCode::none ? verdict.partitions : 0;
  return partitions;
}

asio::awaitable<std::vector<TopicVerdict>> delete_topics(HandlerContext context, std::vector<TopicSelector> topics) {
  const auto decide = [&](const MetadataMachine& machine) { return machine.delete_topics(topics); };
  TopicsDecision decision = co_await change_metadata(context, decide);
  co_return std::move(decision.verdicts);
}

asio::awaitable<std::vector<TopicVerdict>> create_partitions(HandlerContext context, std::vector<MorePartitions> topics,
                                                             bool validate_only) {
  CreatePartitionsCommand command{
      .topics = std::move(topics), .first_broker = random_place(context.here.shard.env().random()), .validate_only = validate_only};
  const auto decide = [&](const MetadataMachine& machine) {
    command.directories = directories_of(context);
    return machine.create_partitions(command);
  };
  TopicsDecision decision = co_await change_metadata(context, decide);
  note_refused_size(context, decision.verdicts);
  co_return std::move(decision.verdicts);
}

}  // namespace tidelog::broker
