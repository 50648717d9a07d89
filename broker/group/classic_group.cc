#include "broker/group/classic_group.h"

#include "proto/base/check.h"
#include "proto/codec/consumer_protocol.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostReasonBytes = 80;  // of what a client gives as its reason
constexpr std::size_t kMostNotes = 8;         // for one rebalance: thousands that join at once must not push out why it began

[[maybe_unused]] constexpr std::size_t kMostCounted = 64;  // members that every step walks over in debug builds

std::string text_of(std::string_view who, std::string_view what, std::string_view reason) {
  std::string text = legible(who, kMostNameBytes);
  text.append(" ").append(what);
  if (!reason.empty()) text.append(": ").append(legible(reason, kMostReasonBytes));
  return text;
}

ClassicMember member_of(const ClassicGroupRecord::Member& stored, const std::optional<std::string>& protocol) {
  const std::int32_t rebalance_ms = stored.rebalance_timeout_ms < 0 ? stored.session_timeout_ms : stored.rebalance_timeout_ms;
  return {.id = stored.id,
          .instance_id = stored.instance_id,
          .client_id = stored.client_id,
          .client_host = stored.client_host,
          .rebalance_timeout = milliseconds(std::max(rebalance_ms, 0)),
          .session_timeout = milliseconds(std::max(stored.session_timeout_ms, 0)),
          .protocols = {{.name = protocol.value_or(""), .metadata = stored.subscription}},
          .assignment = stored.assignment,
          .join_ticket = {},
          .sync_ticket = {},
          .watched_at = {}};
}

}  // namespace

std::string_view name(ClassicState state) {
  switch (state) {
    case ClassicState::empty: return "Empty";
    case ClassicState::preparing_rebalance: return "PreparingRebalance";
    case ClassicState::completing_rebalance: return "CompletingRebalance";
    case ClassicState::stable: return "Stable";
    case ClassicState::dead: return "Dead";
  }
  return "";
}

ClassicGroup::ClassicGroup(std::string name) : name_(std::move(name)) {}

ErrorCode ClassicGroup::check_member(std::string_view id, const std::optional<std::string>& instance_id) const {
  if (instance_id) {
    const ClassicMember* const holder = members_.find_instance(*instance_id);
    if (holder == nullptr) return ErrorCode::unknown_member_id;
    if (holder->id != id) return ErrorCode::fenced_instance_id;
  }
  return members_.find(id) == nullptr ? ErrorCode::unknown_member_id : ErrorCode::none;
}

ErrorCode ClassicGroup::check_generation(std::int32_t generation) const {
  return generation == generation_ ? ErrorCode::none : ErrorCode::illegal_generation;
}

ErrorCode ClassicGroup::heartbeat(const HeartbeatCall& call, Step& step) {
  if (state_ == ClassicState::dead) return ErrorCode::coordinator_not_available;
  if (const ErrorCode error = check_member(call.member_id, call.instance_id); error != ErrorCode::none) return error;
  ClassicMember& member = *members_.find(call.member_id);
  if (const ErrorCode error = check_generation(call.generation); error != ErrorCode::none) return error;
  renew(member, step);
  return state_ == ClassicState::preparing_rebalance ? ErrorCode::rebalance_in_progress : ErrorCode::none;
}

ErrorCode ClassicGroup::may_commit(const Committer& committer, Step& step) {
  static const std::optional<std::string> no_instance;
  const std::optional<std::string>& instance_id = committer.instance_id == nullptr ? no_instance : *committer.instance_id;
  if (state_ == ClassicState::dead) return ErrorCode::coordinator_not_available;
  if (committer.generation < 0 && state_ == ClassicState::empty) return ErrorCode::none;
  const bool claims_none = committer.generation < 0 && committer.member_id.empty() && !instance_id;
  // A transaction's old form of commit names no member, whatever the group's state is.
  if (claims_none) return committer.is_transactional ? ErrorCode::none : ErrorCode::unknown_member_id;
  if (const ErrorCode error = check_member(committer.member_id, instance_id); error != ErrorCode::none) return error;
  ClassicMember& member = *members_.find(committer.member_id);
  if (const ErrorCode error = check_generation(committer.generation); error != ErrorCode::none) return error;
  if (committer.is_transactional) return ErrorCode::none;  // the producer speaks: no sign of life of the member
  renew(member, step);
  // The member knows the generation from its JoinGroup, but nobody owns anything in it yet.
  return state_ == ClassicState::completing_rebalance ? ErrorCode::rebalance_in_progress : ErrorCode::none;
}

void ClassicGroup::renew(ClassicMember& member, const Step& step) { members_.renew(member, step.now + member.session_timeout); }

void ClassicGroup::answer_join(ClassicMember& member, JoinAnswer answer, Step& step) {
  const std::optional<Ticket> ticket = members_.wait_for_join(member, std::nullopt);
  if (ticket) step.late.push_back({.ticket = *ticket, .answer = std::move(answer)});
}

void ClassicGroup::answer_sync(ClassicMember& member, SyncAnswer answer, Step& step) {
  const std::optional<Ticket> ticket = members_.wait_for_sync(member, std::nullopt);
  if (!ticket) return;
  step.late.push_back({.ticket = *ticket, .answer = std::move(answer)});
  renew(member, step);  // while it waited, its session may have run out unheeded
}

SyncAnswer ClassicGroup::assignment_of(const ClassicMember& member) const {
  return {.protocol_type = protocol_type_, .protocol = protocol_, .assignment = member.assignment};
}

void ClassicGroup::remove_member(ClassicMember& member, Step& step) {
  // Whoever still listens shall begin anew.
  answer_join(member, join_refused(ErrorCode::unknown_member_id), step);
  answer_sync(member, sync_refused(ErrorCode::unknown_member_id), step);
  const bool led = member.id == leader_;
  members_.remove(member);
  if (led) leader_ = members_.empty() ? "" : members_.begin()->id;
}

void ClassicGroup::enter(ClassicState state, const Step& step) {
  state_ = state;
  state_since_ = step.wall_clock;
}

ClassicGroupRecord::Value ClassicGroup::stored() const {
  ClassicGroupRecord::Value value{.protocol_type = protocol_type_,
                                  .generation = generation_,
                                  .protocol = protocol_,
                                  .leader = leader_.empty() ? std::nullopt : std::optional(leader_),
                                  .state_since = state_since_,
                                  .members = {}};
  value.members.reserve(members_.size());
  for (const ClassicMember& member : members_) {
    const OwnedBytes* const metadata = member.metadata(protocol_.value_or(""));
    value.members.push_back({.id = member.id,
                             .instance_id = member.instance_id,
                             .client_id = member.client_id,
                             .client_host = member.client_host,
                             .rebalance_timeout_ms = static_cast<std::int32_t>(member.rebalance_timeout.count()),
                             .session_timeout_ms = static_cast<std::int32_t>(member.session_timeout.count()),
                             .subscription = metadata == nullptr ? OwnedBytes{} : *metadata,
                             .assignment = member.assignment});
  }
  return value;
}

void ClassicGroup::replay(const ClassicGroupRecord::Value& value) {
  members_.clear();
  pending_.clear();
  join_deadline_.reset();
  sync_deadline_.reset();
  is_initial_ = false;
  protocol_type_ = value.protocol_type;
  generation_ = std::max(value.generation, 0);
  state_since_ = value.state_since;
  for (const ClassicGroupRecord::Member& member : value.members) {
    // What a disk says of itself is not to be trusted: of two namesakes the first stays.
    const bool is_taken =
        members_.find(member.id) != nullptr || (member.instance_id && members_.find_instance(*member.instance_id) != nullptr);
    if (!is_taken) members_.add(member_of(member, value.protocol));
  }
  state_ = members_.empty() ? ClassicState::empty : ClassicState::stable;
  is_unassigned_ = !members_.empty() && !value.leader;
  protocol_ = members_.empty() ? std::nullopt : std::optional(value.protocol.value_or(""));
  leader_ = members_.find(value.leader.value_or("")) != nullptr ? value.leader.value_or("") : "";
  if (leader_.empty() && !members_.empty()) leader_ = members_.begin()->id;
  look_at_subscriptions();
  check_invariants();
}

void ClassicGroup::loaded(Step& step) {
  for (ClassicMember& member : members_) renew(member, step);
  if (!members_.empty()) remark(step, "the group", "was read from the log by its coordinator, which knows of no events before");
  if (members_.size() > step.settings.max_size) {
    note(step, "the group", "has more members than group.max.size since it was loaded");
    prepare(step);  // the last to join again find no room
  } else if (is_unassigned_) {
    note(step, "the group", "is what a consumer group left, and nobody has assigned it yet");
    prepare(step);
  }
  check_invariants();
}

void ClassicGroup::begin_with(const ClassicGroupRecord::Value& stored, std::vector<ClassicMember> members, Step& step) {
  CHECK(members_.empty() && !members.empty());
  protocol_type_ = stored.protocol_type;
  generation_ = stored.generation;
  protocol_ = stored.protocol;
  leader_ = members.front().id;
  for (ClassicMember& member : members) renew(members_.add(std::move(member)), step);
  look_at_subscriptions();
  state_ = ClassicState::stable;
  noted_ = 0;
  note(step, "the group", "goes on with the classic protocol: no member is left that speaks the consumer protocol");
  prepare(step);
  check_invariants();
}

void ClassicGroup::hand_over(std::vector<LateAnswer>& late) {
  for (ClassicMember& member : members_) {
    const JoinAnswer join =
        member.is_new ? join_refused(ErrorCode::unknown_member_id) : join_refused(ErrorCode::rebalance_in_progress, member.id);
    if (const auto ticket = members_.wait_for_join(member, std::nullopt)) late.push_back({.ticket = *ticket, .answer = join});
    if (const auto ticket = members_.wait_for_sync(member, std::nullopt)) {
      late.push_back({.ticket = *ticket, .answer = sync_refused(ErrorCode::rebalance_in_progress)});
    }
  }
  end();
}

void ClassicGroup::abandon(ErrorCode error, std::vector<LateAnswer>& late) {
  for (ClassicMember& member : members_) {
    if (const auto ticket = members_.wait_for_join(member, std::nullopt)) {
      late.push_back({.ticket = *ticket, .answer = join_refused(error, member.id)});
    }
    if (const auto ticket = members_.wait_for_sync(member, std::nullopt)) {
      late.push_back({.ticket = *ticket, .answer = sync_refused(error)});
    }
  }
  end();
}

void ClassicGroup::end() {
  members_.clear();
  pending_.clear();
  leader_.clear();
  join_deadline_.reset();
  sync_deadline_.reset();
  state_ = ClassicState::dead;
  check_invariants();
}

std::size_t ClassicGroup::bytes() const {
  return sizeof(ClassicGroup) + 2 * bytes_beside(name_) + members_.bytes() + pending_.bytes() + subscribed_bytes_ + history_.bytes();
}

TimestampMs ClassicGroup::empty_since() const { return state_ == ClassicState::empty ? state_since_ : TimestampMs{-1}; }

bool ClassicGroup::subscribes_to(std::string_view topic) const {
  if (protocol_type_ != "consumer") return false;
  return !subscribed_ || subscribed_->contains(topic);
}

void ClassicGroup::look_at_subscriptions() {
  subscribed_ = subscribed_topics();
  subscribed_bytes_ = 0;
  if (!subscribed_) return;
  for (const std::string& topic : *subscribed_) subscribed_bytes_ += sizeof(std::string) + kNodeBytes + bytes_beside(topic);
}

std::optional<std::set<std::string, std::less<>>> ClassicGroup::subscribed_topics() const {
  if (protocol_type_ != "consumer") return std::nullopt;
  std::set<std::string, std::less<>> topics;
  for (const ClassicMember& member : members_) {
    const OwnedBytes* const metadata = member.metadata(protocol_.value_or(""));
    if (metadata == nullptr) return std::nullopt;
    Result<proto::ConsumerSubscription> subscription = proto::decode_subscription(*metadata);
    if (!subscription) return std::nullopt;
    for (std::string& topic : subscription->topics) topics.insert(std::move(topic));
  }
  return topics;
}

ClassicDescription ClassicGroup::describe() const {
  const bool is_stable = state_ == ClassicState::stable;
  ClassicDescription description{
      .state = broker::name(state_), .protocol_type = protocol_type_, .protocol = is_stable ? protocol_.value_or("") : "", .members = {}};
  for (const ClassicMember& member : members_) {
    const OwnedBytes* const metadata = is_stable ? member.metadata(*protocol_) : nullptr;
    description.members.push_back({.id = member.id,
                                   .instance_id = member.instance_id,
                                   .client_id = member.client_id,
                                   .client_host = member.client_host,
                                   .metadata = metadata == nullptr ? OwnedBytes{} : *metadata,
                                   .assignment = member.assignment});
  }
  return description;
}

void ClassicGroup::note(Step& step, std::string_view who, std::string_view what, std::string_view reason) {
  if (++noted_ > kMostNotes) return;
  history_.add({.at = step.wall_clock, .generation = next_generation(), .what = text_of(who, what, reason)});
}

void ClassicGroup::remark(Step& step, std::string_view who, std::string_view what, std::string_view reason) {
  history_.add({.at = step.wall_clock, .generation = generation_, .what = text_of(who, what, reason)});
}

void ClassicGroup::check_invariants() const {
  const bool has_leader = members_.find(leader_) != nullptr;
  CHECK(members_.empty() ? leader_.empty() : has_leader);
  CHECK(join_deadline_.has_value() == (state_ == ClassicState::preparing_rebalance));
  CHECK(sync_deadline_.has_value() == (members_.owing() > 0));
  CHECK(members_.joining() == 0 || state_ == ClassicState::preparing_rebalance);
  CHECK(members_.syncing() == 0 || state_ == ClassicState::completing_rebalance);
  switch (state_) {
    case ClassicState::empty:
    case ClassicState::dead: CHECK(members_.empty()); break;
    case ClassicState::preparing_rebalance: CHECK(members_.owing() == 0); break;
    case ClassicState::completing_rebalance:
    case ClassicState::stable: CHECK(!members_.empty() && protocol_.has_value()); break;
  }
  DCHECK(members_.size() > kMostCounted || members_.counts_are_right());
}

}  // namespace tidelog::broker
