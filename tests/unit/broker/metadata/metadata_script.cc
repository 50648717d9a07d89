#include "tests/unit/broker/metadata/metadata_script.h"

#include "tests/unit/broker/metadata/world.h"
#include "tests/unit/broker/script_player.h"

#include <algorithm>
#include <span>
#include <stdexcept>

namespace tidelog::broker {
namespace {

std::string id_text(const Uuid& id) { return "#" + std::to_string(static_cast<int>(id.bytes.back())); }

std::string nodes_text(const std::vector<NodeId>& nodes) {
  std::string text;
  for (const NodeId node : nodes) text += (text.empty() ? "" : ",") + std::to_string(node.value);
  return text;
}

std::string partition_text(const PartitionRecord& partition) {
  return std::to_string(partition.index.value) + ": leader=" + std::to_string(partition.leader.value) +
         " epoch=" + std::to_string(partition.leader_epoch.value) + " replicas=" + nodes_text(partition.replicas) +
         " isr=" + nodes_text(partition.isr);
}

std::string text_of(const ClusterInfoRecord& record) { return "ClusterInfo " + record.cluster_id; }
std::string text_of(const RegisterBrokerRecord& record) {
  return "RegisterBroker node=" + std::to_string(record.node_id.value) + " broker-epoch=" + std::to_string(record.broker_epoch) +
         (record.unclean ? " unclean" : "");
}
std::string text_of(const CreateTopicRecord& record) {
  return "CreateTopic " + id_text(record.topic_id) + " " + record.name + " partitions=" + std::to_string(record.partitions.size());
}
std::string text_of(const AddPartitionsRecord& record) {
  std::string text = "AddPartitions " + id_text(record.topic_id);
  for (const PartitionRecord& partition : record.partitions) text += " " + std::to_string(partition.index.value);
  return text;
}
std::string text_of(const AssignDirectoriesRecord& record) {
  std::string text = "AssignDirectories " + id_text(record.topic_id);
  for (const PartitionDirectories& partition : record.partitions) text += " " + std::to_string(partition.index.value);
  return text;
}
std::string text_of(const ClientQuotaRecord& record) {
  std::string text = "ClientQuota";
  for (const auto& [kind, name] : record.entity) text += " " + kind + (name ? ":" + *name : "");
  for (const auto& [key, value] : record.values) text += " " + key + "=" + (value ? std::to_string(*value) : "");
  return text;
}
std::string text_of(const DeleteTopicRecord& record) { return "DeleteTopic " + id_text(record.topic_id); }
std::string text_of(const ProducerIdBlockRecord& record) {
  return "ProducerIdBlock node=" + std::to_string(record.node_id.value) + " next=" + std::to_string(record.next_producer_id.value);
}
std::string text_of(const SetConfigRecord& record) {
  return "SetConfig " + std::to_string(static_cast<int>(record.scope)) + ":" + record.resource + " " + record.key +
         (record.value ? "=" + *record.value : "");
}

}  // namespace

std::vector<std::string> MetadataScript::run(std::string_view command) {
  out_.clear();
  Words words = split(command, ' ');
  const std::string what = words.front();
  words.erase(words.begin());
  if (what == "register") {
    register_node(words);
  } else if (what == "create") {
    create(words);
  } else if (what == "grow") {
    grow(words);
  } else if (what == "delete") {
    remove(words);
  } else if (what == "alter") {
    alter(words);
  } else if (what == "configs") {
    show_configs(words);
  } else if (what == "quota") {
    alter_quota(words);
  } else if (what == "limit") {
    find_limit(words);
  } else if (what == "producer-ids") {
    allocate(words);
  } else if (what == "show") {
    show();
  } else if (what == "restart") {
    restart();
  } else if (what == "replay-snapshot") {
    replay_snapshot();
  } else {
    throw std::invalid_argument("no such command: " + what);
  }
  return out_;
}

void MetadataScript::apply(const std::vector<MetadataRecord>& records) {
  for (const MetadataRecord& record : records) {
    say("record " + std::visit([](const auto& one) { return text_of(one); }, record));
    if (!machine_.apply(record)) say("does not fit");
    log_.push_back(record);
  }
}

void MetadataScript::say_verdict(const TopicVerdict& verdict) {
  std::string line = verdict.name.empty() ? "(no name)" : verdict.name;
  if (!verdict.id.is_zero()) line += " " + id_text(verdict.id);
  line += " " + std::string(name(verdict.error));
  if (verdict.partitions >= 0) line += " partitions=" + std::to_string(verdict.partitions);
  if (verdict.replication_factor >= 0) line += " factor=" + std::to_string(verdict.replication_factor);
  say(line + (verdict.message.empty() ? "" : ": " + verdict.message));
}

void MetadataScript::register_node(const Words& words) {
  const RegisterDecision decision = machine_.register_broker(
      {.node_id = {std::stoi(words.at(0))}, .incarnation = test_id(next_incarnation_++), .unclean = words.back() == "unclean"});
  apply(decision.records);
}

NewTopic MetadataScript::parse_topic(std::string word) {
  NewTopic topic{.id = test_id(next_id_++)};
  const std::size_t by_hand = word.find('=');
  if (by_hand == std::string::npos) {
    const Words parts = split(word, ':');
    topic.name = parts.at(0);
    if (parts.size() > 1) topic.partitions = std::stoi(parts[1]);
    if (parts.size() > 2) topic.replication_factor = std::stoi(parts[2]);
    return topic;
  }
  topic.name = word.substr(0, by_hand);
  for (const std::string& one : split(word.substr(by_hand + 1), '/')) {
    const Words parts = split(one, ':');
    TopicAssignment& assignment = topic.assignments.emplace_back();
    assignment.partition = std::stoi(parts.at(0));
    for (const std::string& node : split(parts.at(1), ',')) assignment.replicas.push_back({std::stoi(node)});
  }
  return topic;
}

void MetadataScript::create(const Words& words) {
  CreateTopicsCommand command;
  for (const std::string& word : words) {
    if (word == "validate-only") {
      command.validate_only = true;
    } else if (word.starts_with("first=")) {
      command.first_broker = std::stoul(word.substr(6));
    } else {
      command.topics.push_back(parse_topic(word));
    }
  }
  const TopicsDecision decision = machine_.create_topics(command);
  for (const TopicVerdict& verdict : decision.verdicts) say_verdict(verdict);
  apply(decision.records);
}

void MetadataScript::grow(const Words& words) {
  CreatePartitionsCommand command;
  for (const std::string& word : words) {
    if (word == "validate-only") {
      command.validate_only = true;
      continue;
    }
    if (word.starts_with("first=")) {
      command.first_broker = std::stoul(word.substr(6));
      continue;
    }
    const std::size_t by_hand = word.find('=');
    const Words parts = split(word.substr(0, by_hand), ':');
    MorePartitions& topic = command.topics.emplace_back(MorePartitions{.topic = parts.at(0), .count = std::stoi(parts.at(1))});
    if (by_hand == std::string::npos) continue;
    topic.assignments.emplace();
    for (const std::string& nodes : split(word.substr(by_hand + 1), '/')) {
      std::vector<NodeId>& replicas = topic.assignments->emplace_back();
      for (const std::string& node : split(nodes, ',')) replicas.push_back({std::stoi(node)});
    }
  }
  const TopicsDecision decision = machine_.create_partitions(command);
  for (const TopicVerdict& verdict : decision.verdicts) say_verdict(verdict);
  apply(decision.records);
}

void MetadataScript::remove(const Words& words) {
  std::vector<TopicSelector> topics;
  for (const std::string& word : words) {
    TopicSelector& topic = topics.emplace_back();
    if (word.starts_with('#')) {
      topic.id = test_id(std::stoi(word.substr(1)));
    } else {
      topic.name = word;
    }
  }
  const TopicsDecision decision = machine_.delete_topics(topics);
  for (const TopicVerdict& verdict : decision.verdicts) say_verdict(verdict);
  apply(decision.records);
}

namespace {

class ScriptRules final : public ConfigRules {
 public:
  [[nodiscard]] bool is_list(ConfigScope, std::string_view key) const override { return key.starts_with("list"); }
  [[nodiscard]] std::string list_in_force(ConfigScope, std::string_view) const override { return "old"; }
  [[nodiscard]] ConfigProblem problem(const ConfigResource&, const std::map<std::string, std::string>& configs) const override {
    for (const auto& [key, value] : configs) {
      if (value == "bad") return {.text = "bad is no value for " + key};
    }
    return {};
  }
};

ResourceChange parse_resource(const std::string& word) {
  const std::size_t colon = word.find(':');
  const std::string type = word.substr(0, colon);
  const std::map<std::string, int> types{{"topic", 2}, {"broker", 4}, {"logger", 8}, {"metrics", 16}, {"group", 32}};
  const int number = types.contains(type) ? types.at(type) : std::stoi(type);
  return {.type = static_cast<std::int8_t>(number), .name = word.substr(colon + 1)};
}

ConfigChange parse_change(const std::string& word) {
  if (word.ends_with('!')) return {.key = word.substr(0, word.size() - 1), .operation = 1};
  if (word.ends_with('?')) return {.key = word.substr(0, word.size() - 1)};
  const std::size_t equals = word.find('=');
  ConfigChange change{.key = word.substr(0, equals), .value = word.substr(equals + 1)};
  if (change.key.ends_with('+')) change.operation = 2;
  if (change.key.ends_with('-')) change.operation = 3;
  if (change.operation != 0) change.key.pop_back();
  if (const std::size_t at = change.key.find('@'); at != std::string::npos) {
    change.operation = static_cast<std::int8_t>(std::stoi(change.key.substr(at + 1)));
    change.key.resize(at);
  }
  return change;
}

}  // namespace

void MetadataScript::alter(const Words& words) {
  std::vector<ResourceChange> resources;
  bool replaces = false;
  bool validate_only = false;
  bool is_resource = true;
  for (const std::string& word : words) {
    if (word == "replace") {
      replaces = true;
    } else if (word == "validate-only") {
      validate_only = true;
    } else if (word == "/") {
      is_resource = true;
    } else if (std::exchange(is_resource, false)) {
      resources.push_back(parse_resource(word));
    } else {
      resources.back().changes.push_back(parse_change(word));
    }
  }
  const ScriptRules rules;
  const ConfigsDecision decision =
      machine_.alter_configs({.resources = resources, .replaces = replaces, .validate_only = validate_only, .broker = {1}, .rules = rules});
  for (const ConfigVerdict& verdict : decision.verdicts) {
    say(std::string(name(verdict.error)) + (verdict.message.empty() ? "" : ": " + verdict.message));
  }
  apply(decision.records);
}

void MetadataScript::alter_quota(Words words) {
  AlterClientQuotasCommand command;
  command.validate_only = words.front() == "validate-only";
  if (command.validate_only) words.erase(words.begin());
  QuotaAlteration& asked = command.entries.emplace_back();
  for (const std::string& part : split(words.front(), ',')) {
    const std::size_t colon = part.find(':');
    const auto name = colon == std::string::npos ? std::nullopt : std::optional(part.substr(colon + 1));
    asked.entity.emplace_back(part.substr(0, colon), name);
  }
  for (const std::string& word : std::span(words).subspan(1)) {
    const std::size_t equals = word.find('=');
    const std::string value = word.substr(equals + 1);
    asked.values.emplace_back(word.substr(0, equals), value.empty() ? std::nullopt : std::optional(std::stod(value)));
  }
  const QuotasDecision decision = machine_.alter_client_quotas(command);
  for (const QuotaVerdict& verdict : decision.verdicts) {
    say(std::string(name(verdict.error)) + (verdict.message.empty() ? "" : ": " + verdict.message));
  }
  apply(decision.records);
}

void MetadataScript::show_configs(const Words& words) {
  const ResourceChange resource = parse_resource(words.at(0));
  std::string line = words.at(0);
  for (const auto& [key, value] : machine_.image()->configs_of(static_cast<ConfigScope>(resource.type), resource.name)) {
    line.append(" ").append(key).append("=").append(value);
  }
  say(line);
}

void MetadataScript::find_limit(const Words& words) {
  const auto found = machine_.image()->client_quotas().find(words.at(0), words.at(1), words.at(2));
  if (!found) return say("no limit");
  std::string shared = found->counted_for.substr(0, found->counted_for.size() - 1);
  std::ranges::replace(shared, '\n', ' ');
  say(std::to_string(found->limit) + " shared by " + shared);
}

void MetadataScript::allocate(const Words& words) {
  const ProducerIdsDecision decision = machine_.allocate_producer_ids({std::stoi(words.at(0))}, 1);
  say("ids " + std::to_string(decision.first.value) + " to " + std::to_string(decision.end.value - 1));
  apply(decision.records);
}

void MetadataScript::show() {
  if (machine_.image()->topics().empty()) say("no topics");
  for (const auto& [name, topic] : machine_.image()->topics()) {
    say(name + " " + id_text(topic->id));
    for (const PartitionImage& partition : topic->partitions) say("  " + partition_text(partition));
  }
}

void MetadataScript::restart() {
  MetadataMachine again;
  const Result<void> applied = again.apply(log_);
  const bool same = applied.has_value() && *again.image() == *machine_.image();
  say((same ? "same after " : "different after ") + std::to_string(log_.size()) + " records");
  machine_ = std::move(again);
}

void MetadataScript::replay_snapshot() {
  MetadataMachine again;
  const std::vector<MetadataRecord> records = machine_.image()->snapshot();
  const Result<void> applied = again.apply(records);
  const bool same = applied.has_value() && *again.image() == *machine_.image();
  say((same ? "same after " : "different after ") + std::to_string(records.size()) + " records");
}

}  // namespace tidelog::broker
