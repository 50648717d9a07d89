#include <algorithm>
#include <set>

#include "broker/metadata/machine.h"
#include "broker/metadata/topic_names.h"

namespace tidelog::broker {
namespace {

/// Judges the topics of one request one after the other: a later one sees those accepted before it.
class TopicPlanner {
 public:
  TopicPlanner(const Image& image, const CreateTopicsCommand& command) : image_(image), command_(command) {
    for (const auto& [id, broker] : image.brokers()) brokers_.push_back(id);
    std::set<std::string_view> seen;
    for (const NewTopic& topic : command.topics) {
      if (!seen.insert(topic.name).second) repeated_.insert(topic.name);
    }
    for (const auto& [name, topic] : image.topics()) metric_forms_.try_emplace(metric_form(name), name);
  }

  TopicVerdict plan(const NewTopic& topic, std::vector<MetadataRecord>& records);

 private:
  bool check_name(const NewTopic& topic, TopicVerdict& verdict) const;
  bool check_numbers(const NewTopic& topic, TopicVerdict& verdict);
  bool check_assignments(const NewTopic& topic, TopicVerdict& verdict) const;
  std::vector<PartitionRecord> place(const NewTopic& topic, const TopicVerdict& verdict) const;

  static bool refuse(TopicVerdict& verdict, ErrorCode error, std::string message) {
    verdict.error = error;
    verdict.message = std::move(message);
    return false;
  }

  const Image& image_;
  const CreateTopicsCommand& command_;
  std::vector<NodeId> brokers_;
  std::set<std::string_view> repeated_;
  std::map<std::string, std::string> metric_forms_;
  std::int64_t partitions_planned_ = 0;
};

bool TopicPlanner::check_name(const NewTopic& topic, TopicVerdict& verdict) const {
  if (repeated_.contains(topic.name)) return refuse(verdict, ErrorCode::invalid_request, "the request names this topic twice");
  if (std::string problem = topic_name_problem(topic.name); !problem.empty()) {
    return refuse(verdict, ErrorCode::invalid_topic_exception, std::move(problem));
  }
  if (is_reserved_topic(topic.name)) {
    return refuse(verdict, ErrorCode::invalid_topic_exception, "the broker keeps this name for itself: choose another");
  }
  if (image_.find_topic(topic.name) != nullptr) {
    return refuse(verdict, ErrorCode::topic_already_exists, "topic \"" + topic.name + "\" is there already");
  }
  const auto alike = metric_forms_.find(metric_form(topic.name));
  if (alike != metric_forms_.end()) {
    return refuse(verdict, ErrorCode::invalid_topic_exception,
                  "topic \"" + alike->second + "\" differs only in '.' and '_', which metrics cannot tell apart");
  }
  return true;
}

bool TopicPlanner::check_assignments(const NewTopic& topic, TopicVerdict& verdict) const {
  if (topic.partitions != -1 || topic.replication_factor != -1) {
    return refuse(verdict, ErrorCode::invalid_request, "give either replica assignments, or partitions and replication factor (then -1 here)");
  }
  std::set<std::int32_t> indexes;
  for (const TopicAssignment& assignment : topic.assignments) {
    indexes.insert(assignment.partition);
    const std::set<NodeId> distinct(assignment.replicas.begin(), assignment.replicas.end());
    const bool known = std::ranges::all_of(distinct, [&](NodeId id) { return std::ranges::find(brokers_, id) != brokers_.end(); });
    if (assignment.replicas.empty() || distinct.size() != assignment.replicas.size() || !known) {
      return refuse(verdict, ErrorCode::invalid_replica_assignment, "replicas of a partition are different brokers of this cluster");
    }
    if (assignment.replicas.size() != topic.assignments.front().replicas.size()) {
      return refuse(verdict, ErrorCode::invalid_replica_assignment, "every partition needs the same number of replicas");
    }
  }
  const auto count = static_cast<std::int32_t>(topic.assignments.size());
  if (indexes.size() != topic.assignments.size() || *indexes.begin() != 0 || *indexes.rbegin() != count - 1) {
    return refuse(verdict, ErrorCode::invalid_replica_assignment, "assigned partitions are numbered 0, 1, 2 ... without gaps");
  }
  verdict.partitions = count;
  verdict.replication_factor = static_cast<std::int32_t>(topic.assignments.front().replicas.size());
  return true;
}

bool TopicPlanner::check_numbers(const NewTopic& topic, TopicVerdict& verdict) {
  if (!topic.assignments.empty()) return check_assignments(topic, verdict);
  if (topic.replication_factor == 0 || topic.replication_factor < -1) {
    return refuse(verdict, ErrorCode::invalid_replication_factor, "the replication factor is at least 1, or -1 for the default");
  }
  if (topic.partitions == 0 || topic.partitions < -1) {
    return refuse(verdict, ErrorCode::invalid_partitions, "a topic has at least one partition; -1 asks for the default");
  }
  const auto alive = static_cast<std::int32_t>(brokers_.size());
  verdict.partitions = topic.partitions == -1 ? command_.default_partitions : topic.partitions;
  verdict.replication_factor = topic.replication_factor == -1 ? command_.default_replication_factor : topic.replication_factor;
  if (verdict.replication_factor > alive) {
    return refuse(verdict, ErrorCode::invalid_replication_factor,
                  "replication factor " + std::to_string(verdict.replication_factor) + " needs as many brokers, and there are " + std::to_string(alive));
  }
  if (partitions_planned_ + verdict.partitions > command_.max_partitions) {
    return refuse(verdict, ErrorCode::policy_violation,
                  "one request may create " + std::to_string(command_.max_partitions) + " partitions in all: ask in several");
  }
  return true;
}

std::vector<PartitionRecord> TopicPlanner::place(const NewTopic& topic, const TopicVerdict& verdict) const {
  std::vector<PartitionRecord> partitions(static_cast<std::size_t>(verdict.partitions));
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    PartitionRecord& partition = partitions[i];
    partition.index = {static_cast<std::int32_t>(i)};
    for (std::size_t r = 0; topic.assignments.empty() && r < static_cast<std::size_t>(verdict.replication_factor); ++r) {
      partition.replicas.push_back(brokers_[(command_.first_broker + i + r) % brokers_.size()]);
    }
  }
  for (const TopicAssignment& assignment : topic.assignments) {
    partitions[static_cast<std::size_t>(assignment.partition)].replicas = assignment.replicas;
  }
  for (PartitionRecord& partition : partitions) {
    partition.isr = partition.replicas;
    partition.leader = partition.replicas.front();
  }
  return partitions;
}

TopicVerdict TopicPlanner::plan(const NewTopic& topic, std::vector<MetadataRecord>& records) {
  TopicVerdict verdict{.name = topic.name};
  bool may_be = check_name(topic, verdict) && check_numbers(topic, verdict);
  if (may_be && command_.check_configs) {
    std::string problem = command_.check_configs(topic.configs);
    may_be = problem.empty() || refuse(verdict, ErrorCode::invalid_config, std::move(problem));
  }
  if (!may_be) {
    verdict.partitions = -1;
    verdict.replication_factor = -1;
    return verdict;
  }
  partitions_planned_ += verdict.partitions;
  metric_forms_.try_emplace(metric_form(topic.name), topic.name);
  if (command_.validate_only) return verdict;
  verdict.id = topic.id;
  records.emplace_back(
      CreateTopicRecord{.topic_id = topic.id, .name = topic.name, .configs = topic.configs, .partitions = place(topic, verdict)});
  return verdict;
}

}  // namespace

TopicsDecision MetadataMachine::create_topics(const CreateTopicsCommand& command) const {
  TopicsDecision decision;
  TopicPlanner planner(*image_, command);
  for (const NewTopic& topic : command.topics) decision.verdicts.push_back(planner.plan(topic, decision.records));
  return decision;
}

}  // namespace tidelog::broker
