#include "broker/group/admission.h"

#include "broker/group/memory.h"

namespace tidelog::broker {
namespace {

constexpr std::size_t kFirstEvents = 4 * sizeof(GroupHistory::Event);
/// Of a group that is new, whatever it is called.
constexpr std::size_t kNewGroup =
    sizeof(GroupEntry) + std::max(sizeof(ClassicGroup), sizeof(ConsumerGroup)) + kFirstEvents + 4 * kNodeBytes;
/// Of a member that is new, whatever it says of itself.
constexpr std::size_t kNewMember = std::max(sizeof(ClassicMember), sizeof(ConsumerMembers::Member)) + 6 * kNodeBytes;

std::size_t bytes_of_new_group(const GroupEntry* entry, const std::string& name) {
  const bool is_new = entry == nullptr || entry->is_simple();
  return is_new ? kNewGroup + 3 * bytes_beside(name) : 0;
}

/// The member that speaks, or whose place it takes.
template <class Members>
auto find_known(const Members& members, const std::string& id, const std::optional<std::string>& instance_id) {
  const auto known = members.find(id);
  return known == nullptr && instance_id ? members.find_instance(*instance_id) : known;
}

/// What the group keeps already of what the caller says of its protocols; nothing: it does not know the caller.
std::optional<std::size_t> known_protocols(const GroupEntry* entry, const JoinCall& call) {
  if (entry != nullptr && entry->classic) {
    const ClassicMember* const member = find_known(entry->classic->members(), call.member_id, call.instance_id);
    if (member != nullptr) return bytes_of(member->protocols);
  }
  if (entry != nullptr && entry->consumer) {
    const ConsumerMembers::Member* const member = find_known(entry->consumer->members(), call.member_id, call.instance_id);
    if (member != nullptr) return member->about->classic ? bytes_of(*member->about->classic) : 0;
  }
  return std::nullopt;
}

const ConsumerMembers::Member* known_member(const GroupEntry* entry, const ConsumerHeartbeatCall& call) {
  if (entry == nullptr || !entry->consumer) return nullptr;
  const std::string& id = call.member_id.empty() ? call.fresh_member_id : call.member_id;
  return find_known(entry->consumer->members(), id, call.instance_id);
}

}  // namespace

bool has_room(const GroupEntry* entry, const JoinCall& call, const Step& step) {
  const std::size_t said = bytes_of(call.protocols);
  if (const std::optional<std::size_t> before = known_protocols(entry, call)) return step.admits_growth(*before, said);
  const std::size_t names = bytes_beside(call.fresh_member_id) + 2 * bytes_beside(call.instance_id) + bytes_beside(call.client_id);
  return step.admits_newcomer(bytes_of_new_group(entry, call.group) + kNewMember + names + said);
}

bool has_room(const GroupEntry* entry, const ConsumerHeartbeatCall& call, const Step& step) {
  // It leaves, or has only to say that it lives, as nearly all do.
  if (call.member_epoch < 0 || (call.member_epoch > 0 && !call.subscribed_names && !call.subscribed_regex)) return true;
  static const std::vector<std::string> none;
  const std::vector<std::string>& names = call.subscribed_names ? *call.subscribed_names : none;
  // Twice: with the member, and in what all want.
  const std::size_t said = 2 * (bytes_beside(names) + bytes_beside(call.subscribed_regex));
  if (const ConsumerMembers::Member* const member = known_member(entry, call)) {
    return step.admits_growth(2 * (bytes_beside(member->about->subscribed_names) + bytes_beside(member->about->subscribed_regex)), said);
  }
  if (call.member_epoch != 0) return true;  // Nobody; it will be told so.
  const std::size_t own = 2 * bytes_beside(call.member_id) + 2 * bytes_beside(call.instance_id) + bytes_beside(call.rack_id) +
                          bytes_beside(call.client_id) + bytes_beside(call.server_assignor);
  return step.admits_newcomer(bytes_of_new_group(entry, call.group) + kNewMember + own + said);
}

bool has_room(const GroupEntry* entry, const OffsetTable::Key& key, const OffsetRecord::Value& value, const Step& step) {
  const std::size_t after = StoredOffset::bytes_of(value.metadata, value.expires_at);
  if (entry == nullptr) return step.admits_newcomer(kNewGroup + after);
  const StoredOffset* const before = entry->offsets.find(key);
  return step.admits_growth(before == nullptr ? 0 : before->bytes(), after);
}

}  // namespace tidelog::broker
