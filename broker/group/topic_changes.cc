#include "broker/group/topic_changes.h"

#include "broker/group/history.h"

#include <set>

namespace tidelog::broker {
namespace {

constexpr std::size_t kMostNamed = 3;

/// Empty if it is as it was.
std::string change_of(const TopicFacts& topic, std::int32_t before) {
  if (topic.partitions == before) return {};
  const std::string name = "topic " + legible(topic.name, kMostNameBytes);
  const std::string now = counted(static_cast<std::size_t>(topic.partitions), "partition");
  return before == 0 ? name + " came, with " + now : name + " has " + now + " now, not " + std::to_string(before);
}

}  // namespace

std::map<Uuid, std::int32_t> partitions_by_topic(const ConsumerMembers& members) {
  std::map<Uuid, std::int32_t> counts;
  for (const auto& [id, member] : members.stored()) {
    for (const TopicPartition& one : target_of(member)) ++counts[one.topic_id];
  }
  return counts;
}

std::string what_changed(const std::map<Uuid, std::int32_t>& before, const std::vector<TopicFacts>& now) {
  std::string text;
  std::size_t changes = 0;
  const auto add = [&](const std::string& change) {
    if (change.empty() || ++changes > kMostNamed) return;
    text += (text.empty() ? "" : ", ") + change;
  };
  std::set<Uuid> there;
  for (const TopicFacts& topic : now) {
    there.insert(topic.id);
    const auto known = before.find(topic.id);
    add(change_of(topic, known == before.end() ? 0 : known->second));
  }
  std::size_t gone = 0;
  for (const auto& [id, partitions] : before) gone += there.contains(id) ? 0 : 1;
  if (gone > 0) add(counted(gone, "topic") + (gone == 1 ? " is gone" : " are gone"));
  if (changes > kMostNamed) text += ", and more";
  return text.empty() ? "topics changed" : text;
}

}  // namespace tidelog::broker
