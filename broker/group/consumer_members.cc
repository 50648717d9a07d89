#include "broker/group/consumer_members.h"

#include "broker/group/memory.h"

#include <algorithm>
#include <set>
#include <utility>

namespace tidelog::broker {
namespace {

Wish wish_of(const ConsumerMemberRecord::Value& about) {
  Wish wish{.names = about.subscribed_names, .regex = about.subscribed_regex.value_or("")};
  if (!std::ranges::is_sorted(wish.names)) std::ranges::sort(wish.names);
  wish.names.erase(std::ranges::unique(wish.names).begin(), wish.names.end());
  return wish;
}

void count_down(std::map<std::string, std::size_t, std::less<>>& counts, const std::string& name) {
  const auto found = counts.find(name);
  if (--found->second == 0) counts.erase(found);
}

std::size_t count_bytes(const ConsumerMembers::Member& member) {
  constexpr std::size_t kOwner = sizeof(TopicPartition) + sizeof(void*) + kNodeBytes;
  const MemberAssignment& current = current_of(member);
  const std::size_t held = current.assigned.size() + current.pending.size();
  return sizeof(member) + kNodeBytes + 2 * bytes_beside(member.id) + (member.about ? bytes_of(*member.about) : 0) +
         held * (sizeof(HeldPartition) + kOwner) + target_of(member).size() * sizeof(TopicPartition);
}

/// A disk may say one twice.
std::set<std::string_view> names_of(const ConsumerMemberRecord::Classic& classic) {
  std::set<std::string_view> names;
  for (const ConsumerMemberRecord::ClassicProtocol& protocol : classic.protocols) names.insert(protocol.name);
  return names;
}

}  // namespace

std::size_t bytes_of(const ConsumerMemberRecord::Classic& classic) {
  std::size_t bytes = 0;
  for (const ConsumerMemberRecord::ClassicProtocol& protocol : classic.protocols) {
    bytes += sizeof(protocol) + bytes_beside(protocol.name) + protocol.metadata.size() + kNodeBytes;
  }
  return bytes;
}

std::size_t bytes_of(const ConsumerMemberRecord::Value& about) {
  std::size_t bytes = 2 * bytes_beside(about.instance_id) + bytes_beside(about.rack_id) + bytes_beside(about.client_id) +
                      bytes_beside(about.client_host) + bytes_beside(about.subscribed_names) + bytes_beside(about.subscribed_regex) +
                      bytes_beside(about.server_assignor);
  return about.classic ? bytes + bytes_of(*about.classic) : bytes;
}

const MemberAssignment& current_of(const ConsumerMembers::Member& member) {
  static const MemberAssignment nothing;
  return member.current ? *member.current : nothing;
}

const PartitionSet& target_of(const ConsumerMembers::Member& member) {
  static const PartitionSet nothing;
  return member.target ? *member.target : nothing;
}

void ConsumerMembers::set_about(const std::string& id, const std::optional<ConsumerMemberRecord::Value>& about) {
  Member& member = entry(id);
  release(member);
  unlist(member);
  member.about = about;
  list(member);
  claim(member);
  settle(id);
}

void ConsumerMembers::set_target(const std::string& id, const std::optional<PartitionsById>& target) {
  Member& member = entry(id);
  member.target = target ? std::optional(flatten(*target)) : std::nullopt;
  settle(id);
}

void ConsumerMembers::set_current(const std::string& id, const std::optional<ConsumerCurrentMemberRecord::Value>& current) {
  Member& member = entry(id);
  release(member);
  member.current = current ? std::optional(from_stored(*current)) : std::nullopt;
  claim(member);
  settle(id);
}

void ConsumerMembers::set_target_epoch(std::int32_t epoch) {
  target_epoch_ = epoch;
  arrived_ = static_cast<std::size_t>(std::ranges::count_if(members_, [&](const auto& one) { return has_arrived(one.second); }));
}

const ConsumerMembers::Member* ConsumerMembers::find(std::string_view id) const {
  const auto found = members_.find(id);
  return found != members_.end() && found->second.about ? &found->second : nullptr;
}

ConsumerMembers::Member* ConsumerMembers::find(std::string_view id) {
  const auto found = members_.find(id);
  return found != members_.end() && found->second.about ? &found->second : nullptr;
}

const ConsumerMembers::Member* ConsumerMembers::find_instance(std::string_view instance_id) const {
  const auto found = ids_by_instance_.find(instance_id);
  return found == ids_by_instance_.end() ? nullptr : find(found->second);
}

const ConsumerMembers::Member* ConsumerMembers::owner(const TopicPartition& partition) const {
  const auto found = owners_.find(partition);
  return found == owners_.end() ? nullptr : found->second;
}

ConsumerMembers::Member& ConsumerMembers::entry(const std::string& id) {
  Member& member = members_[id];
  if (member.id.empty()) member.id = id;
  return member;
}

void ConsumerMembers::list(Member& member) {
  if (!member.about) return;
  ++size_;
  member.subscription = &subscriptions_.add(wish_of(*member.about));
  if (member.about->server_assignor) ++assignors_[*member.about->server_assignor];
  if (member.about->instance_id) ids_by_instance_[*member.about->instance_id] = member.id;
  if (!member.about->classic) return;
  ++classic_;
  for (const std::string_view name : names_of(*member.about->classic)) ++speakers_[std::string(name)];
}

void ConsumerMembers::unlist(Member& member) {
  if (!member.about) return;
  --size_;
  subscriptions_.remove(*member.subscription);
  member.subscription = nullptr;
  if (member.about->server_assignor) count_down(assignors_, *member.about->server_assignor);
  if (member.about->instance_id) {
    const auto found = ids_by_instance_.find(*member.about->instance_id);
    if (found != ids_by_instance_.end() && found->second == member.id) ids_by_instance_.erase(found);
  }
  if (!member.about->classic) return;
  --classic_;
  for (const std::string_view name : names_of(*member.about->classic)) count_down(speakers_, std::string(name));
}

bool ConsumerMembers::support_one_of(std::span<const ClassicProtocol> protocols, const Member* but) const {
  const bool is_one_out = but != nullptr && speaks_classic(*but);
  const std::size_t others = classic_ - (is_one_out ? 1 : 0);
  const std::set<std::string_view> out = is_one_out ? names_of(*but->about->classic) : std::set<std::string_view>{};
  return std::ranges::any_of(protocols, [&](const ClassicProtocol& protocol) {
    const auto found = speakers_.find(protocol.name);
    const std::size_t speakers = found == speakers_.end() ? 0 : found->second;
    return speakers - (out.contains(protocol.name) ? 1 : 0) == others;
  });
}

void ConsumerMembers::claim(const Member& member) {
  if (!member.about) return;
  if (has_arrived(member)) ++arrived_;
  for (const HeldPartition& one : current_of(member).assigned) owners_[one.partition] = &member;
  for (const HeldPartition& one : current_of(member).pending) owners_[one.partition] = &member;
}

void ConsumerMembers::release(const Member& member) {
  if (!member.about) return;
  if (has_arrived(member)) --arrived_;
  const auto release_all = [&](const HeldPartitions& partitions) {
    for (const HeldPartition& one : partitions) {
      const auto found = owners_.find(one.partition);
      if (found != owners_.end() && found->second == &member) owners_.erase(found);
    }
  };
  release_all(current_of(member).assigned);
  release_all(current_of(member).pending);
}

void ConsumerMembers::settle(const std::string& id) {
  const auto found = members_.find(id);
  Member& member = found->second;
  bytes_ -= std::exchange(member.bytes, 0);
  if (!member.about && !member.current && !member.target) {
    members_.erase(found);
    return;
  }
  member.bytes = count_bytes(member);
  bytes_ += member.bytes;
}

bool ConsumerMembers::has_arrived(const Member& member) const {
  return member.about && current_of(member).state == MemberState::stable && current_of(member).epoch == target_epoch_;
}

bool ConsumerMembers::is_sound() const {
  std::size_t size = 0;
  std::size_t arrived = 0;
  std::size_t held = 0;
  std::size_t classic = 0;
  std::size_t bytes = 0;
  for (const auto& [id, member] : members_) {
    bytes += member.bytes;
    if (member.bytes != count_bytes(member)) return false;
    if (member.id != id || (!member.about && !member.current && !member.target)) return false;
    if (!member.about) continue;
    ++size;
    classic += speaks_classic(member) ? 1 : 0;
    arrived += has_arrived(member) ? 1 : 0;
    const MemberAssignment& current = current_of(member);
    held += current.assigned.size() + current.pending.size();
    const auto is_owner = [&](const HeldPartition& one) { return owner(one.partition) == &member; };
    if (!std::ranges::all_of(current.assigned, is_owner) || !std::ranges::all_of(current.pending, is_owner)) return false;
    if (member.subscription == nullptr || member.subscription->wish != wish_of(*member.about)) return false;
    if (member.about->instance_id && find_instance(*member.about->instance_id) != &member) return false;
  }
  return size == size_ && arrived == arrived_ && classic == classic_ && bytes == bytes_ && held == owners_.size();
}

}  // namespace tidelog::broker
