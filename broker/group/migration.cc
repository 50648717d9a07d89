#include "broker/group/migration.h"

#include "broker/group/embedded.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

namespace tidelog::broker {
namespace {

/// What is known of a classic member.
struct KnownMember {
  const ClassicMember* member = nullptr;
  proto::ConsumerSubscription subscription;
  std::vector<ClassicProtocol> protocols;  ///< First the one it was told last.
  PartitionSet assigned;
  PartitionSet owned;  ///< As it said when it joined.
};

std::optional<KnownMember> read(const ClassicMember& member, const ClassicGroup& group, const TopicsView& topics) {
  KnownMember known{.member = &member, .subscription = {}, .protocols = member.protocols, .assigned = {}, .owned = {}};
  if (known.protocols.empty()) return std::nullopt;
  const auto chosen = std::ranges::find(known.protocols, group.protocol().value_or(""), &ClassicProtocol::name);
  if (chosen != known.protocols.end()) std::rotate(known.protocols.begin(), chosen, chosen + 1);
  Result<proto::ConsumerSubscription> subscription = proto::decode_subscription(known.protocols.front().metadata);
  const Result<proto::ConsumerAssignment> assignment = proto::decode_assignment(member.assignment);
  if (!subscription || !assignment) return std::nullopt;
  known.assigned = find_partitions(assignment->partitions, topics);
  known.owned = find_partitions(subscription->owned, topics);
  known.subscription = *std::move(subscription);
  return known;
}

ConsumerMemberRecord::Value about(const KnownMember& known) {
  const ClassicMember& member = *known.member;
  std::vector<std::string> names = known.subscription.topics;
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return {.instance_id = member.instance_id,
          .rack_id = known.subscription.rack_id,
          .client_id = member.client_id,
          .client_host = member.client_host,
          .subscribed_names = std::move(names),
          .subscribed_regex = std::nullopt,
          .rebalance_timeout_ms = static_cast<std::int32_t>(member.rebalance_timeout.count()),
          .server_assignor = std::nullopt,
          .classic = ConsumerMemberRecord::Classic{.session_timeout_ms = static_cast<std::int32_t>(member.session_timeout.count()),
                                                   .protocols = to_stored(known.protocols)}};
}

/// Those that nobody has taken yet are its.
void claim(const PartitionSet& partitions, std::set<TopicPartition>& taken, PartitionSet& claims) {
  for (const TopicPartition& one : partitions) {
    if (taken.insert(one).second) claims.push_back(one);
  }
}

/// What each has, in their order: first come, first served.
std::vector<PartitionSet> share_out(const std::vector<KnownMember>& members) {
  std::vector<PartitionSet> claims(members.size());
  std::set<TopicPartition> taken;
  for (std::size_t at = 0; at < members.size(); ++at) claim(members[at].assigned, taken, claims[at]);
  for (std::size_t at = 0; at < members.size(); ++at) claim(members[at].owned, taken, claims[at]);
  for (PartitionSet& one : claims) std::ranges::sort(one);
  return claims;
}

HeldPartitions held_since(const PartitionSet& partitions, std::int32_t epoch) {
  HeldPartitions held;
  for (const TopicPartition& one : partitions) held.push_back({.partition = one, .since = epoch});
  return held;
}

/// As the classic group has it until its members join again.
ClassicMember to_classic(const ConsumerMembers::Member& member) {
  const ConsumerMemberRecord::Value& about = *member.about;
  return {.id = member.id,
          .instance_id = about.instance_id,
          .client_id = about.client_id,
          .client_host = about.client_host,
          .rebalance_timeout = std::chrono::milliseconds(std::max(about.rebalance_timeout_ms, 0)),
          .session_timeout = std::chrono::milliseconds(std::max(about.classic->session_timeout_ms, 0)),
          .protocols = without_repeats(from_stored(about.classic->protocols)),
          .assignment = {},
          .join_ticket = {},
          .sync_ticket = {},
          .watched_at = {},
          .was_told_its_own = true};
}

/// What they vote for. Nothing as well if two go by one name: what a disk says of itself is not to be trusted.
std::optional<std::string> vote(const std::vector<ClassicMember>& members) {
  ClassicMembers voters;
  for (const ClassicMember& member : members) {
    if (member.instance_id && voters.find_instance(*member.instance_id) != nullptr) return std::nullopt;
    voters.add(member);
  }
  return voters.vote();
}

}  // namespace

std::optional<std::vector<GroupRecord>> as_consumer_group(const ClassicGroup& group, const TopicsView& topics) {
  if (group.protocol_type() != kConsumerProtocolType) return std::nullopt;
  std::vector<KnownMember> members;
  for (const ClassicMember& member : group.members()) {
    std::optional<KnownMember> known = read(member, group, topics);
    if (!known) return std::nullopt;
    if (!member.is_new) members.push_back(*std::move(known));
  }
  const std::string& name = group.name();
  const std::int32_t epoch = std::max(group.generation(), 1);
  std::vector<GroupRecord> records;
  records.emplace_back(ConsumerGroupRecord{name, ConsumerGroupRecord::Value{.epoch = epoch}});
  const std::vector<PartitionSet> held = share_out(members);
  for (std::size_t at = 0; at < members.size(); ++at) {
    const std::string& id = members[at].member->id;
    const MemberAssignment current{.epoch = epoch, .previous_epoch = epoch, .assigned = held_since(held[at], epoch), .pending = {}};
    records.emplace_back(ConsumerMemberRecord{name, id, about(members[at])});
    records.emplace_back(ConsumerTargetMemberRecord{name, id, by_topic(held[at])});
    records.emplace_back(ConsumerCurrentMemberRecord{name, id, stored(current)});
  }
  records.emplace_back(ConsumerTargetEpochRecord{name, ConsumerTargetEpochRecord::Value{.assignment_epoch = epoch}});
  return records;
}

std::optional<ClassicSuccessor> as_classic_group(const ConsumerGroup& group, const Step& step) {
  ClassicSuccessor next;
  for (const auto& [id, member] : group.members().stored()) {
    if (member.about && member.about->classic) next.members.push_back(to_classic(member));
  }
  std::optional<std::string> protocol = vote(next.members);
  if (!protocol) return std::nullopt;
  next.stored = {.protocol_type = std::string(kConsumerProtocolType),
                 .generation = group.target_epoch(),
                 .protocol = protocol,
                 .leader = std::nullopt,
                 .state_since = step.wall_clock,
                 .members = {}};
  for (ClassicMember& member : next.members) {
    const OwnedBytes& subscription = *member.metadata(*protocol);
    member.assignment = embed_assignment(current_of(*group.members().find(member.id)).assigned, subscription, step.topics);
    next.stored.members.push_back({.id = member.id,
                                   .instance_id = member.instance_id,
                                   .client_id = member.client_id,
                                   .client_host = member.client_host,
                                   .rebalance_timeout_ms = static_cast<std::int32_t>(member.rebalance_timeout.count()),
                                   .session_timeout_ms = static_cast<std::int32_t>(member.session_timeout.count()),
                                   .subscription = subscription,
                                   .assignment = member.assignment});
  }
  return next;
}

}  // namespace tidelog::broker
