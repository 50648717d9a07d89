#include "broker/metadata/machine.h"
#include "broker/metadata/placement.h"

#include <map>

namespace tidelog::broker {
namespace {

/// Judges the topics of one request. A topic named twice is refused: which of the two counts was meant is a guess.
class GrowthPlanner {
 public:
  GrowthPlanner(const Image& image, const CreatePartitionsCommand& command)
      : image_(image), command_(command), directories_(image, command.directories) {
    for (const auto& [id, broker] : image.brokers()) brokers_.push_back(id);
    for (const MorePartitions& asked : command.topics) ++times_[asked.topic];
  }

  void plan(const MorePartitions& asked, TopicsDecision& decision);

 private:
  bool check_count(const MorePartitions& asked, const TopicImage& topic, TopicVerdict& verdict) const;
  bool check_replicas(const MorePartitions& asked, const TopicImage& topic, TopicVerdict& verdict) const;
  bool check_assignments(const MorePartitions& asked, const TopicImage& topic, TopicVerdict& verdict) const;
  AddPartitionsRecord lay_out(const MorePartitions& asked, const TopicImage& topic);

  static bool refuse(TopicVerdict& verdict, ErrorCode error, std::string message) {
    verdict.error = error;
    verdict.message = std::move(message);
    return false;
  }
  /// As many as the topic was made with: what was moved since may have more for a while.
  static std::size_t replication_of(const TopicImage& topic) { return topic.partitions.front().replicas.size(); }

  const Image& image_;
  const CreatePartitionsCommand& command_;
  std::vector<NodeId> brokers_;
  std::map<std::string_view, int> times_;  ///< How often each name stands in the request; 0: it was answered.
  std::int64_t planned_ = 0;
  DirectoryPicker directories_;
};

bool GrowthPlanner::check_count(const MorePartitions& asked, const TopicImage& topic, TopicVerdict& verdict) const {
  const auto there = static_cast<std::int32_t>(topic.partitions.size());
  if (asked.count == there) {
    return refuse(verdict, ErrorCode::invalid_partitions, "the topic has " + std::to_string(there) + " partitions already");
  }
  if (asked.count < there) {
    return refuse(verdict, ErrorCode::invalid_partitions,
                  "the topic has " + std::to_string(there) + " partitions, and partitions cannot be taken away: ask for more than that");
  }
  // Before anything is allocated by a count that a client chose.
  if (planned_ + asked.count - there <= command_.max_partitions) return true;
  return refuse(verdict, ErrorCode::policy_violation,
                "one request may add " + std::to_string(command_.max_partitions) + " partitions in all: ask in several");
}

bool GrowthPlanner::check_assignments(const MorePartitions& asked, const TopicImage& topic, TopicVerdict& verdict) const {
  const std::size_t added = static_cast<std::size_t>(asked.count) - topic.partitions.size();
  if (asked.assignments->size() != added) {
    return refuse(verdict, ErrorCode::invalid_replica_assignment,
                  std::to_string(added) + " partitions are new, and replicas are given for " + std::to_string(asked.assignments->size()));
  }
  for (const std::vector<NodeId>& replicas : *asked.assignments) {
    if (!are_replicas(brokers_, replicas)) {
      return refuse(verdict, ErrorCode::invalid_replica_assignment, "replicas of a partition are different brokers of this cluster");
    }
    if (replicas.size() != replication_of(topic)) {
      return refuse(verdict, ErrorCode::invalid_replica_assignment,
                    "every partition of this topic has " + std::to_string(replication_of(topic)) + " replicas");
    }
  }
  return true;
}

bool GrowthPlanner::check_replicas(const MorePartitions& asked, const TopicImage& topic, TopicVerdict& verdict) const {
  if (asked.assignments) return check_assignments(asked, topic, verdict);
  if (replication_of(topic) <= brokers_.size()) return true;
  return refuse(verdict, ErrorCode::invalid_replication_factor,
                "replication factor " + std::to_string(replication_of(topic)) + " needs as many brokers, and there are " +
                    std::to_string(brokers_.size()));
}

AddPartitionsRecord GrowthPlanner::lay_out(const MorePartitions& asked, const TopicImage& topic) {
  const std::size_t first = topic.partitions.size();
  const std::size_t added = static_cast<std::size_t>(asked.count) - first;
  const std::size_t start = command_.first_broker + static_cast<std::size_t>(planned_);
  std::vector<std::vector<NodeId>> replicas = asked.assignments ? *asked.assignments : place(brokers_, added, replication_of(topic), start);
  AddPartitionsRecord record{.topic_id = topic.id, .partitions = {}};
  record.partitions.reserve(added);
  for (std::size_t i = 0; i < added; ++i) {
    directories_.place(record.partitions.emplace_back(new_partition({static_cast<std::int32_t>(first + i)}, std::move(replicas[i]))));
  }
  return record;
}

void GrowthPlanner::plan(const MorePartitions& asked, TopicsDecision& decision) {
  int& times = times_.at(asked.topic);
  if (times == 0) return;
  TopicVerdict verdict{.name = asked.topic};
  const TopicImage* topic = image_.find_topic(asked.topic);
  if (times > 1) {
    refuse(verdict, ErrorCode::invalid_request, "the request names this topic twice");
    times = 0;
  } else if (topic == nullptr) {
    refuse(verdict, ErrorCode::unknown_topic_or_partition, "there is no topic of this name");
  } else if (check_count(asked, *topic, verdict) && check_replicas(asked, *topic, verdict)) {
    verdict.id = topic->id;
    verdict.partitions = asked.count;
    if (!command_.validate_only) decision.records.emplace_back(lay_out(asked, *topic));
    planned_ += asked.count - static_cast<std::int64_t>(topic->partitions.size());
  }
  decision.verdicts.push_back(std::move(verdict));
}

}  // namespace

TopicsDecision MetadataMachine::create_partitions(const CreatePartitionsCommand& command) const {
  TopicsDecision decision;
  GrowthPlanner planner(*image_, command);
  for (const MorePartitions& asked : command.topics) planner.plan(asked, decision);
  return decision;
}

}  // namespace tidelog::broker
