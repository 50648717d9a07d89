#include "broker/group/target_assignment.h"

#include "broker/group/assignor.h"
#include "broker/group/range_assignor.h"
#include "broker/group/uniform_assignor.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace tidelog::broker {
namespace {

/// The group as an assignor sees it. Topics go in the order of their ids, so that rising slots are rising partitions.
class Problem {
 public:
  Problem(const ConsumerMembers& members, const TopicsView& topics) {
    add_topics(members, topics);
    for (const auto& [id, member] : members.stored()) {
      if (member.about) add_member(member, members, topics);
    }
  }

  [[nodiscard]] const AssignmentProblem& stated() const { return problem_; }
  [[nodiscard]] const ConsumerMembers::Member& member(std::size_t at) const { return *members_[at]; }

  [[nodiscard]] PartitionsById partitions(const std::vector<Slot>& slots) const {
    PartitionsById result;
    std::size_t topic = 0;
    for (const Slot slot : slots) {
      const bool is_further = slot >= problem_.first_slot[topic + 1];
      while (slot >= problem_.first_slot[topic + 1]) ++topic;
      if (result.empty() || is_further) result.emplace_back(topics_[topic].id, std::vector<std::int32_t>{});
      result.back().second.push_back(static_cast<std::int32_t>(slot - problem_.first_slot[topic]));
    }
    return result;
  }

  /// Whether the member's target says just this already.
  [[nodiscard]] bool is_target(std::size_t at, const std::vector<Slot>& slots) const {
    return slots == problem_.members[at].owned && slots.size() == target_of(*members_[at]).size();
  }

 private:
  void add_topics(const ConsumerMembers& members, const TopicsView& topics) {
    topics_ = members.subscriptions().topics_after({}, topics);
    std::ranges::sort(topics_, {}, &TopicFacts::id);
    for (std::uint32_t at = 0; at < topics_.size(); ++at) {
      index_[topics_[at].id] = at;
      problem_.first_slot.push_back(problem_.first_slot.back() + static_cast<Slot>(std::max(topics_[at].partitions, 0)));
    }
  }

  void add_member(const ConsumerMembers::Member& member, const ConsumerMembers& members, const TopicsView& topics) {
    const std::size_t subscription = subscription_of(*member.subscription, members, topics);
    members_.push_back(&member);
    problem_.members.push_back({.subscription = subscription,
                                .id = member.id,
                                .instance_id = member.about->instance_id ? std::string_view(*member.about->instance_id) : "",
                                .owned = owned_slots(target_of(member), problem_.subscriptions[subscription])});
  }

  /// Wishes that come to the same topics are one subscription.
  std::size_t subscription_of(const Subscriptions::Shared& shared, const ConsumerMembers& members, const TopicsView& topics) {
    const auto known = by_wish_.find(&shared);
    if (known != by_wish_.end()) return known->second;
    std::vector<std::uint32_t> wanted;
    for (const TopicFacts& topic : members.subscriptions().topics_of(shared.wish, topics)) wanted.push_back(index_.at(topic.id));
    std::ranges::sort(wanted);
    wanted.erase(std::ranges::unique(wanted).begin(), wanted.end());
    const auto [at, is_new] = by_topics_.try_emplace(std::move(wanted), problem_.subscriptions.size());
    if (is_new) problem_.subscriptions.push_back(at->first);
    by_wish_[&shared] = at->second;
    return at->second;
  }

  /// What of a target there still is, and is still wanted.
  [[nodiscard]] std::vector<Slot> owned_slots(const PartitionSet& target, const std::vector<std::uint32_t>& wanted) const {
    std::vector<Slot> slots;
    slots.reserve(target.size());
    const Uuid* topic = nullptr;
    Slot first = 0;
    Slot count = 0;
    for (const TopicPartition& one : target) {
      if (topic == nullptr || *topic != one.topic_id) {
        topic = &one.topic_id;
        const auto found = index_.find(one.topic_id);
        const bool is_there = found != index_.end() && std::ranges::binary_search(wanted, found->second);
        first = is_there ? problem_.first_slot[found->second] : 0;
        count = is_there ? problem_.first_slot[found->second + 1] - first : 0;
      }
      const auto index = static_cast<Slot>(one.partition.value);
      if (index < count) slots.push_back(first + index);
    }
    return slots;
  }

  AssignmentProblem problem_;
  std::vector<TopicFacts> topics_;
  std::unordered_map<Uuid, std::uint32_t> index_;
  std::vector<const ConsumerMembers::Member*> members_;
  std::unordered_map<const Subscriptions::Shared*, std::size_t> by_wish_;
  std::map<std::vector<std::uint32_t>, std::size_t> by_topics_;
};

}  // namespace

std::vector<GroupRecord> new_targets(const std::string& group, const ConsumerMembers& members, const TopicsView& topics,
                                     std::string_view assignor) {
  const Problem problem(members, topics);
  const SlotLists lists = assignor == "range" ? assign_range(problem.stated()) : assign_uniform(problem.stated());
  std::vector<GroupRecord> records;
  for (std::size_t at = 0; at < lists.size(); ++at) {
    if (problem.is_target(at, lists[at])) continue;
    records.emplace_back(ConsumerTargetMemberRecord{group, problem.member(at).id, problem.partitions(lists[at])});
  }
  return records;
}

bool knows_assignor(std::string_view name) { return name == "uniform" || name == "range"; }

}  // namespace tidelog::broker
