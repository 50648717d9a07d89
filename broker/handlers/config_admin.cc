#include "broker/handlers/config_admin.h"

#include "broker/config/group_config.h"
#include "broker/quorum/controller.h"
#include "broker/shard/run_on.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

/// The option tables as the metadata machine needs them for one request, over the options in force when it decides.
class TableRules final : public ConfigRules {
 public:
  TableRules(const BrokerOptions& options, Suggestions& suggestions)
      : options_(options), topic_defaults_(topic_defaults(options)), suggestions_(suggestions) {}

  [[nodiscard]] bool is_list(ConfigScope scope, std::string_view key) const override {
    switch (scope) {
      case ConfigScope::topic: return is_topic_list(key);
      case ConfigScope::broker: return is_broker_list(key);
      case ConfigScope::client_metrics: return is_resource_list(client_metrics_options(), key);
      case ConfigScope::group: return is_resource_list(group_options(), key);
    }
    return false;
  }

  [[nodiscard]] std::string list_in_force(ConfigScope scope, std::string_view key) const override {
    if (scope == ConfigScope::topic) return find_topic_option(key)->print(topic_defaults_);
    if (scope == ConfigScope::broker) return find_broker_option(key)->print(options_);
    const auto table = scope == ConfigScope::group ? group_options() : client_metrics_options();
    return std::string(find_resource_option(table, key)->fallback);
  }

  [[nodiscard]] ConfigProblem problem(const ConfigResource& resource, const std::map<std::string, std::string>& configs) const override {
    const Result<void, ConfigError> checked = check(resource, configs);
    if (checked) return {};
    return {.text = to_sentence(checked.error()), .met = checked.error().is_limit ? ConfigLimit::unknown_keys : ConfigLimit::none};
  }

 private:
  static bool is_resource_list(std::span<const ResourceOption> table, std::string_view key) {
    const ResourceOption* row = find_resource_option(table, key);
    return row != nullptr && row->type == OptionType::list;
  }

  [[nodiscard]] Result<void, ConfigError> check(const ConfigResource& resource, const ConfigMap& configs) const {
    if (resource.scope == ConfigScope::topic) return validate_topic_configs(topic_defaults_, configs, suggestions_);
    if (resource.scope == ConfigScope::broker) return check_broker(resource, configs);
    const auto table = resource.scope == ConfigScope::group ? group_options() : client_metrics_options();
    return validate_resource_configs(options_, table, configs, suggestions_);
  }

  /// The bounds of groups cannot change in a running broker, but one of the values they bound can.
  [[nodiscard]] Result<void, ConfigError> check_broker(const ConfigResource& resource, const ConfigMap& configs) const {
    if (Result<void, ConfigError> ok = validate_broker_configs(configs, resource.name.empty()); !ok) return ok;
    const bool is_of_groups = std::ranges::any_of(configs, [](const auto& set) { return set.first.starts_with("group.consumer."); });
    return is_of_groups ? check_group_bounds(resolve_broker_options(options_, configs, {})) : Result<void, ConfigError>();
  }

  const BrokerOptions& options_;
  TopicConfig topic_defaults_;
  Suggestions& suggestions_;
};

Limit limit_of(ConfigLimit met) {
  switch (met) {
    case ConfigLimit::resources: return Limit::configured_resources;
    case ConfigLimit::unknown_keys: return Limit::unknown_config_keys;
    case ConfigLimit::none:
    case ConfigLimit::one_request: break;
  }
  return Limit::one_request;
}

/// What the machine decides on the controller's loop, brought to the caller's.
template <class Decide>
asio::awaitable<void> change(Controller& controller, Decide decide, std::vector<ConfigVerdict>& verdicts) {
  ConfigsDecision decision = co_await controller.change(decide);
  verdicts = std::move(decision.verdicts);
}

}  // namespace

void note_config_limits(LimitLog& limits, SteadyTime now, const Endpoint& peer, std::span<const ConfigVerdict> verdicts) {
  for (const ConfigLimit met : {ConfigLimit::resources, ConfigLimit::unknown_keys, ConfigLimit::one_request}) {
    const auto refused = std::ranges::find(verdicts, met, &ConfigVerdict::met);
    if (refused == verdicts.end()) continue;
    limits.hit(limit_of(met), now, "refused configs that {}:{} asked for: {}", peer.host, peer.port, refused->message);
  }
}

BrokerLayers broker_layers(const HandlerContext& context, const Image& image) {
  return {.own = image.configs_of(ConfigScope::broker, std::to_string(context.node.id.value)),
          .for_all = image.configs_of(ConfigScope::broker, ""),
          .started = context.node.options,
          .in_force = *context.here.options};
}

asio::awaitable<std::vector<ConfigVerdict>> alter_configs(HandlerContext context, std::vector<ResourceChange> resources, bool replaces,
                                                          bool validate_only) {
  std::vector<ConfigVerdict> verdicts;
  ShardServices& home = context.node.home();
  const auto decide = [&](const MetadataMachine& machine) {
    Suggestions suggestions;
    const TableRules rules(*home.options, suggestions);
    return machine.alter_configs(
        {.resources = resources, .replaces = replaces, .validate_only = validate_only, .broker = context.node.id, .rules = rules});
  };
  co_await await_on(home.shard.loop(), context.loop(), change(context.node.controller, decide, verdicts));
  const Endpoint peer = context.connection.peer();
  note_config_limits(context.here.shard.limits(), context.loop().now(), peer, verdicts);
  co_return verdicts;
}

}  // namespace tidelog::broker
