#include <algorithm>
#include <set>

#include "broker/metadata/machine.h"

namespace tidelog::broker {
namespace {

TopicVerdict judge(const Image& image, const TopicSelector& selector) {
  TopicVerdict verdict{.name = selector.name, .id = selector.id};
  const auto refuse = [&](ErrorCode error, std::string message) {
    verdict.error = error;
    verdict.message = std::move(message);
    return verdict;
  };
  const bool by_id = !selector.id.is_zero();
  if (by_id && !selector.name.empty()) return refuse(ErrorCode::invalid_request, "name a topic or give its id, not both");
  if (!by_id && selector.name.empty()) return refuse(ErrorCode::invalid_request, "neither a name nor an id was given");
  const TopicImage* topic = by_id ? image.find_topic(selector.id) : image.find_topic(selector.name);
  if (topic == nullptr && by_id) return refuse(ErrorCode::unknown_topic_id, "no topic has this id");
  if (topic == nullptr) return refuse(ErrorCode::unknown_topic_or_partition, "there is no topic of this name");
  verdict.name = topic->name;
  verdict.id = topic->id;
  return verdict;
}

}  // namespace

TopicsDecision MetadataMachine::delete_topics(std::span<const TopicSelector> topics) const {
  TopicsDecision decision;
  std::set<Uuid> once;
  std::set<Uuid> repeated;
  for (const TopicSelector& selector : topics) {
    decision.verdicts.push_back(judge(*image_, selector));
    const TopicVerdict& verdict = decision.verdicts.back();
    if (verdict.error == ErrorCode::none && !once.insert(verdict.id).second) repeated.insert(verdict.id);
  }
  for (TopicVerdict& verdict : decision.verdicts) {
    if (verdict.error != ErrorCode::none) continue;
    if (repeated.contains(verdict.id)) {
      verdict.error = ErrorCode::invalid_request;
      verdict.message = "the request names this topic twice";
    } else {
      decision.records.emplace_back(DeleteTopicRecord{.topic_id = verdict.id});
    }
  }
  return decision;
}

}  // namespace tidelog::broker
