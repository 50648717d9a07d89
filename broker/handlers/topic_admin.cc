#include "broker/handlers/topic_admin.h"

#include "broker/handlers/config_admin.h"
#include "broker/quorum/controller.h"
#include "broker/shard/run_on.h"

namespace tidelog::broker {
namespace {

/// Random and not zero, which would mean "none".
Uuid new_id(Random& random) {
  Uuid id;
  while (id.is_zero()) random.fill(id.bytes);
  return id;
}

std::string config_problem(const BrokerOptions& options, const std::map<std::string, std::string>& configs) {
  const Result<void, ConfigError> checked = validate_topic_configs(options, configs);
  return checked ? std::string() : to_sentence(checked.error());
}

/// What the machine decides on the controller's loop, brought to the caller's.
template <class Decide>
asio::awaitable<void> change(Controller& controller, Decide decide, std::vector<TopicVerdict>& verdicts) {
  TopicsDecision decision = co_await controller.change(decide);
  verdicts = std::move(decision.verdicts);
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
  command.check_configs = [&options](const std::map<std::string, std::string>& configs) { return config_problem(options, configs); };
  std::array<std::byte, 2> start;
  random.fill(start);
  command.first_broker = load_be<std::uint16_t>(start.data());
  for (NewTopic& topic : command.topics) topic.id = new_id(random);

  std::vector<TopicVerdict> verdicts;
  const auto decide = [&command](const MetadataMachine& machine) { return machine.create_topics(command); };
  co_await await_on(context.node.home().shard.loop(), context.loop(), change(context.node.controller, decide, verdicts));
  co_return verdicts;
}

asio::awaitable<std::vector<TopicVerdict>> delete_topics(HandlerContext context, std::vector<TopicSelector> topics) {
  std::vector<TopicVerdict> verdicts;
  const auto decide = [&topics](const MetadataMachine& machine) { return machine.delete_topics(topics); };
  co_await await_on(context.node.home().shard.loop(), context.loop(), change(context.node.controller, decide, verdicts));
  co_return verdicts;
}

}  // namespace tidelog::broker
