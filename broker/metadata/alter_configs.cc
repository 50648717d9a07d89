#include "broker/metadata/machine.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

namespace tidelog::broker {
namespace {

using Configs = Image::Configs;

/// Groups and subscriptions need not exist, so anybody could make the metadata grow with names.
constexpr std::size_t kMostResources = 10'000;
/// The protocol's limit for strings: a single one keeps it by itself, and what is appended to may not pass it either.
constexpr std::size_t kLongestValueBytes = 32767;
/// So much of lists one request may have read to append to them or take from them: a change of a few bytes has all of a long list read, and
/// nobody else has a turn until the whole request is judged.
constexpr std::size_t kMostListBytes = 512 * 1024;

std::optional<ConfigScope> scope_of(std::int8_t type) {
  switch (type) {
    case static_cast<std::int8_t>(ConfigScope::topic): return ConfigScope::topic;
    case static_cast<std::int8_t>(ConfigScope::broker): return ConfigScope::broker;
    case static_cast<std::int8_t>(ConfigScope::client_metrics): return ConfigScope::client_metrics;
    case static_cast<std::int8_t>(ConfigScope::group): return ConfigScope::group;
    default: return std::nullopt;
  }
}

using Elements = std::vector<std::string_view>;

/// Views of `list`.
Elements split(std::string_view list) {
  Elements elements;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) elements.push_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return elements;
}

std::string join(const Elements& elements) {
  std::string list;
  for (const std::string_view element : elements) {
    if (!list.empty()) list += ',';
    list += element;
  }
  return list;
}

// Sorted vectors, for one request may hold tens of thousands of elements: looking for each in the list would take their product.

Elements sorted(Elements elements) {
  std::ranges::sort(elements);
  return elements;
}

Elements without(Elements list, const Elements& taken) {
  const Elements gone = sorted(taken);
  std::erase_if(list, [&](std::string_view element) { return std::ranges::binary_search(gone, element); });
  return list;
}

/// In the order given, each once, behind what is there.
Elements with(Elements list, const Elements& added) {
  const Elements there = sorted(list);
  std::set<std::string_view> fresh;
  for (const std::string_view element : added) {
    if (!std::ranges::binary_search(there, element) && fresh.insert(element).second) list.push_back(element);
  }
  return list;
}

/// Judges the resources of one request, each by itself.
class ConfigPlanner {
 public:
  ConfigPlanner(const Image& image, const AlterConfigsCommand& command) : image_(image), command_(command) {
    std::set<std::pair<std::int8_t, std::string_view>> seen;
    for (const ResourceChange& one : command.resources) {
      if (!seen.emplace(one.type, one.name).second) repeated_.emplace(one.type, one.name);
    }
  }

  ConfigVerdict plan(const ResourceChange& asked, std::vector<MetadataRecord>& records);

 private:
  static ConfigVerdict refuse(ErrorCode error, std::string message, ConfigLimit met = ConfigLimit::none) {
    return {.error = error, .message = std::move(message), .met = met};
  }

  [[nodiscard]] ConfigVerdict check_request(const ResourceChange& asked) const;
  [[nodiscard]] ConfigVerdict check_keys(const ResourceChange& asked) const;
  [[nodiscard]] ConfigVerdict check_broker(const std::string& name) const;
  [[nodiscard]] ConfigVerdict check_result(const ConfigResource& resource, const Configs& after) const;
  ConfigVerdict change(const ConfigResource& resource, const ConfigChange& change, Configs& configs);
  ConfigVerdict change_list(const ConfigResource& resource, const ConfigChange& change, Configs& configs);
  const std::string& list_in_force(ConfigScope scope, const std::string& key);
  void record(const ConfigResource& resource, const Configs& before, const Configs& after, std::vector<MetadataRecord>& records);

  const Image& image_;
  const AlterConfigsCommand& command_;
  std::set<std::pair<std::int8_t, std::string_view>> repeated_;
  std::set<ConfigResource> made_;  ///< Resources that have configs because of this request.
  std::map<std::pair<ConfigScope, std::string>, std::string> in_force_;
  std::size_t list_bytes_ = 0;  ///< Read so far.
};

ConfigVerdict ConfigPlanner::check_broker(const std::string& name) const {
  if (name.empty()) return {};
  std::int32_t id = 0;
  const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), id);
  if (failed != std::errc{} || end != name.data() + name.size()) {
    return refuse(ErrorCode::invalid_request, "a broker is named by its id, or by nothing for all brokers: \"" + name + "\" is neither");
  }
  if (name != std::to_string(command_.broker.value)) {
    return refuse(ErrorCode::invalid_request,
                  "this is broker " + std::to_string(command_.broker.value) + ": ask broker " + name + " itself to change its configs");
  }
  return {};
}

ConfigVerdict ConfigPlanner::check_keys(const ResourceChange& asked) const {
  std::set<std::string_view> keys;
  for (const ConfigChange& change : asked.changes) {
    if (change.key.empty()) return refuse(ErrorCode::invalid_config, "a key is empty");
    if (!keys.insert(change.key).second) return refuse(ErrorCode::invalid_request, "the request gives " + change.key + " twice");
    if (change.operation < 0 || change.operation > static_cast<std::int8_t>(ConfigOperation::subtract)) {
      return refuse(ErrorCode::invalid_request,
                    "operation " + std::to_string(change.operation) + " is none: 0 sets, 1 deletes, 2 appends to a list, 3 takes from one");
    }
    const bool needs_value = change.operation != static_cast<std::int8_t>(ConfigOperation::remove);
    if (needs_value && !change.value) {
      return refuse(ErrorCode::invalid_request, change.key + " comes without a value: delete the key to have its default back");
    }
  }
  return {};
}

ConfigVerdict ConfigPlanner::check_request(const ResourceChange& asked) const {
  if (repeated_.contains({asked.type, asked.name})) return refuse(ErrorCode::invalid_request, "the request names this resource twice");
  if (ConfigVerdict keys = check_keys(asked); keys.error != ErrorCode::none) return keys;
  constexpr std::int8_t kBrokerLogger = 8;
  if (asked.type == kBrokerLogger) {
    return refuse(ErrorCode::invalid_request, "this broker has no loggers of its own: log.level at start says what is logged");
  }
  const std::optional<ConfigScope> scope = scope_of(asked.type);
  if (!scope) {
    return refuse(ErrorCode::invalid_request,
                  "resource type " + std::to_string(asked.type) + " is none: 2 is a topic, 4 a broker, 16 client metrics, 32 a group");
  }
  if (*scope == ConfigScope::broker) return check_broker(asked.name);
  if (asked.name.empty()) return refuse(ErrorCode::invalid_request, "the name of the resource is empty: only brokers have configs for all");
  return {};
}

/// Asked of the rules once for each key: they may have to work it out.
const std::string& ConfigPlanner::list_in_force(ConfigScope scope, const std::string& key) {
  const auto [known, is_new] = in_force_.try_emplace({scope, key});
  if (is_new) known->second = command_.rules.list_in_force(scope, key);
  return known->second;
}

ConfigVerdict ConfigPlanner::change_list(const ConfigResource& resource, const ConfigChange& change, Configs& configs) {
  const bool appends = change.operation == static_cast<std::int8_t>(ConfigOperation::append);
  if (!command_.rules.is_list(resource.scope, change.key)) {
    return refuse(ErrorCode::invalid_config, change.key + " is no list: nothing can be " + (appends ? "appended to it" : "taken from it"));
  }
  const auto known = configs.find(change.key);
  const std::string& before = known != configs.end() ? known->second : list_in_force(resource.scope, change.key);
  list_bytes_ += before.size() + change.value->size();
  if (list_bytes_ > kMostListBytes) {
    return refuse(ErrorCode::policy_violation,
                  "one request may append to lists and take from them up to " + std::to_string(kMostListBytes) +
                      " bytes of what is there and what it gives: ask in several",
                  ConfigLimit::one_request);
  }
  const Elements given = split(*change.value);
  std::string joined = join(appends ? with(split(before), given) : without(split(before), given));
  if (joined.size() > kLongestValueBytes) {
    return refuse(ErrorCode::invalid_config,
                  change.key + " would be longer than " + std::to_string(kLongestValueBytes) + " bytes, more than an answer can tell");
  }
  configs.insert_or_assign(change.key, std::move(joined));
  return {};
}

ConfigVerdict ConfigPlanner::change(const ConfigResource& resource, const ConfigChange& change, Configs& configs) {
  switch (static_cast<ConfigOperation>(change.operation)) {
    case ConfigOperation::set: configs.insert_or_assign(change.key, *change.value); return {};
    case ConfigOperation::remove: configs.erase(change.key); return {};
    case ConfigOperation::append:
    case ConfigOperation::subtract: return change_list(resource, change, configs);
  }
  return {};
}

ConfigVerdict ConfigPlanner::check_result(const ConfigResource& resource, const Configs& after) const {
  if (ConfigProblem problem = command_.rules.problem(resource, after); !problem.text.empty()) {
    // Kafka's clients know a broker's refused configs by this code, and those of anything else by the other.
    const bool is_plain = resource.scope == ConfigScope::broker || resource.scope == ConfigScope::client_metrics;
    return refuse(is_plain ? ErrorCode::invalid_request : ErrorCode::invalid_config, std::move(problem.text), problem.met);
  }
  if (resource.scope == ConfigScope::topic && image_.find_topic(resource.name) == nullptr) {
    return refuse(ErrorCode::unknown_topic_or_partition, "there is no topic \"" + resource.name + "\"");
  }
  const bool is_new = resource.scope != ConfigScope::topic && !after.empty() && !image_.resource_configs().contains(resource);
  if (is_new && image_.resource_configs().size() + made_.size() >= kMostResources) {
    return refuse(
        ErrorCode::policy_violation,
        std::to_string(kMostResources) + " groups and subscriptions have configs, which is the most: delete those that nothing needs",
        ConfigLimit::resources);
  }
  return {};
}

void ConfigPlanner::record(const ConfigResource& resource, const Configs& before, const Configs& after,
                           std::vector<MetadataRecord>& records) {
  const auto add = [&](const std::string& key, std::optional<std::string> value) {
    records.emplace_back(SetConfigRecord{.scope = resource.scope, .resource = resource.name, .key = key, .value = std::move(value)});
  };
  for (const auto& [key, value] : before) {
    if (!after.contains(key)) add(key, std::nullopt);
  }
  for (const auto& [key, value] : after) {
    const auto old = before.find(key);
    if (old == before.end() || old->second != value) add(key, value);
  }
  if (resource.scope != ConfigScope::topic && before.empty() && !after.empty()) made_.insert(resource);
}

ConfigVerdict ConfigPlanner::plan(const ResourceChange& asked, std::vector<MetadataRecord>& records) {
  if (ConfigVerdict request = check_request(asked); request.error != ErrorCode::none) return request;
  const ConfigResource resource{.scope = *scope_of(asked.type), .name = asked.name};
  const Configs& before = image_.configs_of(resource.scope, resource.name);
  Configs after = command_.replaces ? Configs() : before;
  for (const ConfigChange& one : asked.changes) {
    if (ConfigVerdict changed = change(resource, one, after); changed.error != ErrorCode::none) return changed;
  }
  if (ConfigVerdict result = check_result(resource, after); result.error != ErrorCode::none) return result;
  if (!command_.validate_only) record(resource, before, after, records);
  return {};
}

}  // namespace

ConfigsDecision MetadataMachine::alter_configs(const AlterConfigsCommand& command) const {
  ConfigsDecision decision;
  ConfigPlanner planner(*image_, command);
  for (const ResourceChange& asked : command.resources) decision.verdicts.push_back(planner.plan(asked, decision.records));
  return decision;
}

}  // namespace tidelog::broker
