#include "broker/handlers/config_admin.h"

#include "broker/quorum/controller.h"
#include "broker/shard/run_on.h"

namespace tidelog::broker {
namespace {

/// The option tables as the metadata machine needs them, over the options in force when it decides.
class TableRules final : public ConfigRules {
 public:
  explicit TableRules(const BrokerOptions& options) : options_(options) {}

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
    if (scope == ConfigScope::topic) return find_topic_option(key)->print(topic_defaults(options_));
    if (scope == ConfigScope::broker) return find_broker_option(key)->print(options_);
    const auto table = scope == ConfigScope::group ? group_options() : client_metrics_options();
    return std::string(find_resource_option(table, key)->fallback);
  }

  [[nodiscard]] std::string problem(const ConfigResource& resource, const std::map<std::string, std::string>& configs) const override {
    const Result<void, ConfigError> checked = check(resource, configs);
    return checked ? std::string() : to_sentence(checked.error());
  }

 private:
  static bool is_resource_list(std::span<const ResourceOption> table, std::string_view key) {
    const ResourceOption* row = find_resource_option(table, key);
    return row != nullptr && row->type == OptionType::list;
  }

  [[nodiscard]] Result<void, ConfigError> check(const ConfigResource& resource, const ConfigMap& configs) const {
    if (resource.scope == ConfigScope::topic) return validate_topic_configs(options_, configs);
    if (resource.scope == ConfigScope::broker) return validate_broker_configs(configs, resource.name.empty());
    const auto table = resource.scope == ConfigScope::group ? group_options() : client_metrics_options();
    for (const auto& [key, value] : configs) {
      if (Result<void, ConfigError> ok = validate_resource_config(options_, table, key, value); !ok) return ok;
    }
    return {};
  }

  const BrokerOptions& options_;
};

/// What the machine decides on the controller's loop, brought to the caller's.
template <class Decide>
asio::awaitable<void> change(Controller& controller, Decide decide, std::vector<ConfigVerdict>& verdicts) {
  ConfigsDecision decision = co_await controller.change(decide);
  verdicts = std::move(decision.verdicts);
}

}  // namespace

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
    const TableRules rules(*home.options);
    return machine.alter_configs(
        {.resources = resources, .replaces = replaces, .validate_only = validate_only, .broker = context.node.id, .rules = rules});
  };
  co_await await_on(home.shard.loop(), context.loop(), change(context.node.controller, decide, verdicts));
  co_return verdicts;
}

}  // namespace tidelog::broker
