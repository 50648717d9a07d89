#include "broker/group/classic_members.h"

#include "broker/group/memory.h"
#include "proto/base/check.h"

#include <algorithm>
#include <iterator>

namespace tidelog::broker {

const OwnedBytes* ClassicMember::metadata(std::string_view protocol) const {
  const auto found = std::ranges::find(protocols, protocol, &ClassicProtocol::name);
  return found == protocols.end() ? nullptr : &found->metadata;
}

std::size_t bytes_of(std::span<const ClassicProtocol> protocols) {
  std::size_t bytes = protocols.size() * sizeof(ClassicProtocol);
  for (const ClassicProtocol& protocol : protocols) bytes += bytes_beside(protocol.name) + protocol.metadata.size() + kNodeBytes;
  return bytes;
}

std::size_t bytes_of(const ClassicMember& member) {
  // Its place in the list, by id, and where sessions are watched; for static members the one by instance id.
  constexpr std::size_t kPlaces = 4;
  return sizeof(ClassicMember) + kPlaces * kNodeBytes + bytes_beside(member.id) + 2 * bytes_beside(member.instance_id) +
         bytes_beside(member.client_id) + bytes_beside(member.client_host) + bytes_of(member.protocols);
}

ClassicMember* ClassicMembers::find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &*found->second;
}

ClassicMember* ClassicMembers::find_instance(std::string_view instance_id) const {
  const auto found = by_instance_.find(instance_id);
  return found == by_instance_.end() ? nullptr : found->second;
}

ClassicMember& ClassicMembers::add(ClassicMember member) {
  CHECK(find(member.id) == nullptr);
  CHECK(!member.instance_id || find_instance(*member.instance_id) == nullptr);
  member.order = next_order_++;
  ClassicMember& added = members_.emplace_back(std::move(member));
  by_id_.emplace(added.id, std::prev(members_.end()));
  if (added.instance_id) by_instance_.emplace(*added.instance_id, &added);
  count(added);
  bytes_ += added.assignment.size();
  return added;
}

void ClassicMembers::remove(const ClassicMember& member) {
  const auto found = by_id_.find(member.id);
  CHECK(found != by_id_.end());
  const List::iterator gone = found->second;
  unwatch(*gone);
  wait_for_join(*gone, std::nullopt);
  wait_for_sync(*gone, std::nullopt);
  set_owes_sync(*gone, false);
  uncount(*gone);
  bytes_ -= gone->assignment.size();
  if (gone->instance_id) by_instance_.erase(*gone->instance_id);
  by_id_.erase(found);
  members_.erase(gone);
}

void ClassicMembers::clear() {
  while (!members_.empty()) remove(members_.back());
}

void ClassicMembers::replace(ClassicMember& member, const JoinCall& call) {
  CHECK(find(call.fresh_member_id) == nullptr);
  const auto found = by_id_.find(member.id);
  CHECK(found != by_id_.end());
  const List::iterator where = found->second;
  by_id_.erase(found);
  bytes_ -= bytes_of(member);
  member.id = call.fresh_member_id;
  member.client_id = call.client_id;
  member.client_host = call.client_host;
  bytes_ += bytes_of(member);
  by_id_.emplace(member.id, where);
}

void ClassicMembers::set_assignment(ClassicMember& member, OwnedBytes assignment) {
  bytes_ -= member.assignment.size();
  member.assignment = std::move(assignment);
  bytes_ += member.assignment.size();
}

void ClassicMembers::update(ClassicMember& member, std::vector<ClassicProtocol> protocols, const JoinCall& call) {
  uncount(member);
  member.protocols = std::move(protocols);
  member.rebalance_timeout = std::max(call.rebalance_timeout, std::chrono::milliseconds(0));
  member.session_timeout = call.session_timeout;
  count(member);
}

void ClassicMembers::count(const ClassicMember& member) {
  for (const ClassicProtocol& protocol : member.protocols) ++speakers_[protocol.name];
  ++rebalance_timeouts_[member.rebalance_timeout];
  bytes_ += bytes_of(member);
}

void ClassicMembers::uncount(const ClassicMember& member) {
  for (const ClassicProtocol& protocol : member.protocols) {
    const auto found = speakers_.find(protocol.name);
    if (--found->second == 0) speakers_.erase(found);
  }
  const auto found = rebalance_timeouts_.find(member.rebalance_timeout);
  if (--found->second == 0) rebalance_timeouts_.erase(found);
  bytes_ -= bytes_of(member);
}

std::optional<Ticket> ClassicMembers::wait_for_join(ClassicMember& member, std::optional<Ticket> ticket) {
  joining_ = joining_ + (ticket ? 1 : 0) - (member.join_ticket ? 1 : 0);
  return std::exchange(member.join_ticket, ticket);
}

std::optional<Ticket> ClassicMembers::wait_for_sync(ClassicMember& member, std::optional<Ticket> ticket) {
  syncing_ = syncing_ + (ticket ? 1 : 0) - (member.sync_ticket ? 1 : 0);
  return std::exchange(member.sync_ticket, ticket);
}

void ClassicMembers::set_owes_sync(ClassicMember& member, bool owes) {
  owing_ = owing_ + (owes ? 1 : 0) - (member.owes_sync ? 1 : 0);
  member.owes_sync = owes;
}

void ClassicMembers::renew(ClassicMember& member, Moment expires_at) {
  member.expires_at = expires_at;
  if (member.watched_at && *member.watched_at <= expires_at) return;  // will be looked at in time, and put further away then
  unwatch(member);
  watch(member, expires_at);
}

void ClassicMembers::watch(ClassicMember& member, Moment at) {
  member.watched_at = at;
  watched_.emplace(at, member.order, &member);
}

void ClassicMembers::unwatch(ClassicMember& member) {
  if (!member.watched_at) return;
  watched_.erase({*member.watched_at, member.order, &member});
  member.watched_at.reset();
}

std::optional<Moment> ClassicMembers::next_watched() const {
  if (watched_.empty()) return std::nullopt;
  return std::get<Moment>(*watched_.begin());
}

ClassicMember& ClassicMembers::take_watched() {
  CHECK(!watched_.empty());
  ClassicMember& member = *std::get<ClassicMember*>(*watched_.begin());
  unwatch(member);
  return member;
}

std::chrono::milliseconds ClassicMembers::greatest_rebalance_timeout() const {
  return rebalance_timeouts_.empty() ? std::chrono::milliseconds(0) : rebalance_timeouts_.rbegin()->first;
}

bool ClassicMembers::support_one_of(std::span<const ClassicProtocol> protocols) const {
  return std::ranges::any_of(protocols, [this](const ClassicProtocol& protocol) {
    const auto found = speakers_.find(protocol.name);
    return found != speakers_.end() && found->second == size();
  });
}

std::optional<std::string> ClassicMembers::vote(const ClassicMember* changed, std::span<const ClassicProtocol> protocols) const {
  Counts speakers = speakers_;
  if (changed != nullptr) {
    for (const ClassicProtocol& old : changed->protocols) --speakers[old.name];
    for (const ClassicProtocol& now : protocols) ++speakers[now.name];
  }
  std::erase_if(speakers, [this](const auto& name_and_count) { return name_and_count.second != size(); });
  std::map<std::string_view, std::size_t> votes;
  for (const ClassicMember& member : members_) {
    const std::span<const ClassicProtocol> liked = &member == changed ? protocols : std::span<const ClassicProtocol>(member.protocols);
    const auto best = std::ranges::find_if(liked, [&](const ClassicProtocol& one) { return speakers.contains(one.name); });
    if (best != liked.end()) ++votes[best->name];
  }
  const auto most = std::ranges::max_element(votes, {}, [](const auto& name_and_votes) { return name_and_votes.second; });
  if (most == votes.end()) return std::nullopt;
  return std::string(most->first);
}

bool ClassicMembers::counts_are_right() const {
  std::size_t joining = 0;
  std::size_t syncing = 0;
  std::size_t owing = 0;
  std::size_t watched = 0;
  std::size_t statics = 0;
  std::size_t bytes = 0;
  for (const ClassicMember& member : members_) {
    bytes += bytes_of(member) + member.assignment.size();
    joining += member.join_ticket ? 1 : 0;
    syncing += member.sync_ticket ? 1 : 0;
    owing += member.owes_sync ? 1 : 0;
    watched += member.watched_at ? 1 : 0;
    statics += member.instance_id ? 1 : 0;
    if (find(member.id) != &member) return false;
    if (member.instance_id && find_instance(*member.instance_id) != &member) return false;
    if (member.watched_at && *member.watched_at > member.expires_at) return false;
  }
  const bool tables = by_id_.size() == members_.size() && by_instance_.size() == statics && watched_.size() == watched;
  return tables && bytes == bytes_ && joining == joining_ && syncing == syncing_ && owing == owing_;
}

namespace {

/// Under its name, and in the order of times.
std::size_t bytes_of_pending(const std::string& id) { return 2 * (sizeof(std::pair<std::string, Moment>) + kNodeBytes) + bytes_beside(id); }

}  // namespace

void PendingMembers::add(std::string id, Moment until) {
  if (size() == kMost) remove_next();
  const auto [added, is_new] = until_.emplace(std::move(id), until);
  CHECK(is_new);
  bytes_ += bytes_of_pending(added->first);
  in_order_.emplace(until, added->first);
}

bool PendingMembers::remove(std::string_view id) {
  const auto found = until_.find(id);
  if (found == until_.end()) return false;
  in_order_.erase({found->second, found->first});
  bytes_ -= bytes_of_pending(found->first);
  until_.erase(found);
  return true;
}

void PendingMembers::clear() {
  in_order_.clear();
  until_.clear();
  bytes_ = 0;
}

std::optional<Moment> PendingMembers::next() const {
  if (in_order_.empty()) return std::nullopt;
  return in_order_.begin()->first;
}

void PendingMembers::remove_next() {
  CHECK(!in_order_.empty());
  const auto found = until_.find(in_order_.begin()->second);
  in_order_.erase(in_order_.begin());
  bytes_ -= bytes_of_pending(found->first);
  until_.erase(found);
}

std::vector<ClassicProtocol> without_repeats(std::span<const ClassicProtocol> protocols) {
  std::vector<ClassicProtocol> kept;
  std::set<std::string_view> names;
  for (const ClassicProtocol& protocol : protocols) {
    if (names.insert(protocol.name).second) kept.push_back(protocol);
  }
  return kept;
}

}  // namespace tidelog::broker
