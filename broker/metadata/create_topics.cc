#include "broker/metadata/machine.h"
#include "broker/metadata/placement.h"
#include "broker/metadata/topic_names.h"

#include <algorithm>
#include <map>
#include <set>

namespace tidelog::broker {
namespace {

/// Judges the topics of one request one after the other: a later one sees those accepted before it.
class TopicPlanner {
 public:
  TopicPlanner(const Image& image, const CreateTopicsCommand& command)
      : image_(image), command_(command), directories_(image, command.directories) {
    for (const auto& [id, broker] : image.brokers()) brokers_.push_back(id);
    std::set<std::string_view> seen;
    for (const NewTopic& topic : command.topics) {
      if (!seen.insert(topic.name).second) repeated_.insert(topic.name);
    }
  }

  TopicVerdict plan(const NewTopic& topic, std::vector<MetadataRecord>& records);

 private:
  bool check_name(const NewTopic& topic, TopicVerdict& verdict) const;
  bool check_lookalikes(const NewTopic& topic, TopicVerdict& verdict) const;
  bool check_id(const NewTopic& topic, TopicVerdict& verdict) const;
  bool check_numbers(const NewTopic& topic, TopicVerdict& verdict) const;
  bool check_room(TopicVerdict& verdict) const;
  bool check_assignments(const NewTopic& topic, TopicVerdict& verdict) const;
  bool check_configs(const NewTopic& topic, TopicVerdict& verdict) const;
  void accept(const NewTopic& topic, TopicVerdict& verdict, std::vector<MetadataRecord>& records);
  std::vector<PartitionRecord> lay_out(const NewTopic& topic, const TopicVerdict& verdict);

  static bool refuse(TopicVerdict& verdict, ErrorCode error, std::string message) {
    verdict.error = error;
    verdict.message = std::move(message);
    return false;
  }

  const Image& image_;
  const CreateTopicsCommand& command_;
  std::vector<NodeId> brokers_;
  std::set<std::string_view> repeated_;
  std::map<std::string, std::string> planned_forms_;  ///< Metric forms and names of the topics accepted so far.
  std::set<Uuid> planned_ids_;
  std::int64_t partitions_planned_ = 0;
  DirectoryPicker directories_;
};

bool TopicPlanner::check_name(const NewTopic& topic, TopicVerdict& verdict) const {
  if (repeated_.contains(topic.name)) return refuse(verdict, ErrorCode::invalid_request, "the request names this topic twice");
  if (std::string problem = topic_name_problem(topic.name); !problem.empty()) {
    return refuse(verdict, ErrorCode::invalid_topic_exception, std::move(problem));
  }
  if (is_reserved_topic(topic.name)) {
    return refuse(verdict, ErrorCode::invalid_request, "the broker keeps this name for itself: choose another");
  }
  if (image_.find_topic(topic.name) != nullptr) {
    return refuse(verdict, ErrorCode::topic_already_exists, "topic \"" + topic.name + "\" already exists");
  }
  return check_lookalikes(topic, verdict);
}

bool TopicPlanner::check_lookalikes(const NewTopic& topic, TopicVerdict& verdict) const {
  const TopicImage* there = image_.find_lookalike(topic.name);
  const auto planned = planned_forms_.find(metric_form(topic.name));
  if (there == nullptr && planned == planned_forms_.end()) return true;
  return refuse(
      verdict, ErrorCode::invalid_topic_exception,
      "topic \"" + (there != nullptr ? there->name : planned->second) + "\" differs only in '.' and '_', which metrics cannot tell apart");
}

bool TopicPlanner::check_id(const NewTopic& topic, TopicVerdict& verdict) const {
  if (!topic.id.is_zero() && image_.find_topic(topic.id) == nullptr && !planned_ids_.contains(topic.id)) return true;
  return refuse(verdict, ErrorCode::unknown_server_error, "the id drawn for the topic is taken: try again");
}

bool TopicPlanner::check_assignments(const NewTopic& topic, TopicVerdict& verdict) const {
  if (topic.partitions != -1 || topic.replication_factor != -1) {
    return refuse(verdict, ErrorCode::invalid_request,
                  "give either replica assignments, or partitions and replication factor (then -1 here)");
  }
  std::set<std::int32_t> indexes;
  for (const TopicAssignment& assignment : topic.assignments) {
    indexes.insert(assignment.partition);
    if (!are_replicas(brokers_, assignment.replicas)) {
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
  return check_room(verdict);
}

/// Before anything is allocated by a count that a client chose.
bool TopicPlanner::check_room(TopicVerdict& verdict) const {
  if (partitions_planned_ + verdict.partitions <= command_.max_partitions) return true;
  return refuse(verdict, ErrorCode::policy_violation,
                "one request may create " + std::to_string(command_.max_partitions) + " partitions in all: ask in several");
}

bool TopicPlanner::check_numbers(const NewTopic& topic, TopicVerdict& verdict) const {
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
                  "replication factor " + std::to_string(verdict.replication_factor) + " needs as many brokers, and there are " +
                      std::to_string(alive));
  }
  return check_room(verdict);
}

bool TopicPlanner::check_configs(const NewTopic& topic, TopicVerdict& verdict) const {
  if (!topic.config_without_value.empty()) {
    return refuse(verdict, ErrorCode::invalid_config,
                  "\"" + topic.config_without_value + "\" has no value: leave it out to get the default");
  }
  std::string problem = command_.check_configs ? command_.check_configs(topic.configs) : std::string();
  return problem.empty() || refuse(verdict, ErrorCode::invalid_config, std::move(problem));
}

std::vector<PartitionRecord> TopicPlanner::lay_out(const NewTopic& topic, const TopicVerdict& verdict) {
  const auto count = static_cast<std::size_t>(verdict.partitions);
  std::vector<std::vector<NodeId>> replicas(count);
  if (topic.assignments.empty()) {
    // Each topic starts where the one before it ended, or a request for many small topics would give them all to one broker.
    const std::size_t start = command_.first_broker + static_cast<std::size_t>(partitions_planned_);
    replicas = place(brokers_, count, static_cast<std::size_t>(verdict.replication_factor), start);
  }
  for (const TopicAssignment& assignment : topic.assignments)
    replicas[static_cast<std::size_t>(assignment.partition)] = assignment.replicas;
  std::vector<PartitionRecord> partitions;
  partitions.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    directories_.place(partitions.emplace_back(new_partition({static_cast<std::int32_t>(i)}, std::move(replicas[i]))));
  }
  return partitions;
}

void TopicPlanner::accept(const NewTopic& topic, TopicVerdict& verdict, std::vector<MetadataRecord>& records) {
  if (!command_.validate_only) {
    verdict.id = topic.id;
    records.emplace_back(
        CreateTopicRecord{.topic_id = topic.id, .name = topic.name, .configs = topic.configs, .partitions = lay_out(topic, verdict)});
  }
  partitions_planned_ += verdict.partitions;
  planned_ids_.insert(topic.id);
  planned_forms_.try_emplace(metric_form(topic.name), topic.name);
}

TopicVerdict TopicPlanner::plan(const NewTopic& topic, std::vector<MetadataRecord>& records) {
  TopicVerdict verdict{.name = topic.name};
  const bool may_be =
      check_name(topic, verdict) && check_numbers(topic, verdict) && check_configs(topic, verdict) && check_id(topic, verdict);
  if (may_be) {
    accept(topic, verdict, records);
  } else {
    verdict.partitions = -1;
    verdict.replication_factor = -1;
  }
  return verdict;
}

}  // namespace

TopicsDecision MetadataMachine::create_topics(const CreateTopicsCommand& command) const {
  TopicsDecision decision;
  TopicPlanner planner(*image_, command);
  std::set<std::string_view> answered;
  for (const NewTopic& topic : command.topics) {
    if (answered.insert(topic.name).second) decision.verdicts.push_back(planner.plan(topic, decision.records));
  }
  return decision;
}

}  // namespace tidelog::broker
