#include "broker/metadata/machine.h"

#include <map>
#include <set>

namespace tidelog::broker {
namespace {

/// Judges the topics of one request. What is asked for twice, by whichever handle, is refused: the client is confused about what it
/// deletes, and deleting cannot be taken back.
class DeletionPlanner {
 public:
  DeletionPlanner(const Image& image, std::span<const TopicSelector> topics) : image_(image) {
    for (const TopicSelector& topic : topics) {
      if (!is_clear(topic)) continue;
      if (!topic.id.is_zero()) {
        ++ids_[topic.id];
        continue;
      }
      ++names_[*topic.name];
      if (const TopicImage* found = image_.find_topic(*topic.name)) named_.insert(found->id);
    }
  }

  void plan(const TopicSelector& topic, TopicsDecision& decision);

 private:
  /// By name or by id: by one of them.
  static bool is_clear(const TopicSelector& topic) { return topic.id.is_zero() == topic.name.has_value(); }
  void plan_by_name(const std::string& name, TopicsDecision& decision);
  void plan_by_id(const TopicSelector& topic, TopicsDecision& decision);

  static void refuse(TopicVerdict verdict, TopicsDecision& decision) { decision.verdicts.push_back(std::move(verdict)); }
  static void remove(const TopicImage& topic, TopicsDecision& decision) {
    decision.records.emplace_back(DeleteTopicRecord{.topic_id = topic.id});
    decision.verdicts.push_back({.name = topic.name, .id = topic.id});
  }

  const Image& image_;
  std::map<std::string_view, int> names_;
  std::map<Uuid, int> ids_;
  std::set<Uuid> named_;  ///< Ids of the topics that are asked for by name.
  std::set<std::string_view> repeated_names_told_;
  std::set<Uuid> repeated_ids_told_;
};

void DeletionPlanner::plan_by_name(const std::string& name, TopicsDecision& decision) {
  if (names_.at(name) > 1) {
    if (!repeated_names_told_.insert(name).second) return;
    return refuse({.name = name, .error = ErrorCode::invalid_request, .message = "the request names this topic twice"}, decision);
  }
  const TopicImage* found = image_.find_topic(name);
  if (found == nullptr) {
    return refuse({.name = name, .error = ErrorCode::unknown_topic_or_partition, .message = "there is no topic of this name"}, decision);
  }
  if (ids_.contains(found->id)) {
    return refuse({.name = found->name,
                   .id = found->id,
                   .error = ErrorCode::invalid_request,
                   .message = "the request gives both the name and the id of this topic"},
                  decision);
  }
  remove(*found, decision);
}

void DeletionPlanner::plan_by_id(const TopicSelector& topic, TopicsDecision& decision) {
  if (ids_.at(topic.id) > 1) {
    if (!repeated_ids_told_.insert(topic.id).second) return;
    return refuse({.id = topic.id, .error = ErrorCode::invalid_request, .message = "the request gives this id twice"}, decision);
  }
  if (named_.contains(topic.id)) return;  // Answered where its name stands.
  const TopicImage* found = image_.find_topic(topic.id);
  if (found == nullptr) {
    return refuse({.id = topic.id, .error = ErrorCode::unknown_topic_id, .message = "no topic has this id"}, decision);
  }
  remove(*found, decision);
}

void DeletionPlanner::plan(const TopicSelector& topic, TopicsDecision& decision) {
  if (!is_clear(topic)) {
    const char* fault = topic.id.is_zero() ? "neither a name nor an id was given" : "give the name of a topic or its id, not both";
    return refuse({.name = topic.name.value_or(""), .id = topic.id, .error = ErrorCode::invalid_request, .message = fault}, decision);
  }
  return topic.name ? plan_by_name(*topic.name, decision) : plan_by_id(topic, decision);
}

}  // namespace

TopicsDecision MetadataMachine::delete_topics(std::span<const TopicSelector> topics) const {
  TopicsDecision decision;
  DeletionPlanner planner(*image_, topics);
  for (const TopicSelector& topic : topics) planner.plan(topic, decision);
  return decision;
}

}  // namespace tidelog::broker
