#include "client/group/classic_member.h"

#include <algorithm>
#include <iterator>

namespace tidelog::core {
namespace {

std::int32_t count_in(const TopicShapes& topics, const std::string& topic) {
  const auto found = topics.find(topic);
  return found == topics.end() ? 0 : found->second.partitions;
}

}  // namespace

std::optional<Call> ClassicMember::next(Moment now) {
  stop_reading_late(now);
  if (is_asking_) return std::nullopt;
  if (says_goodbye_) {
    says_goodbye_ = false;
    std::string id = std::exchange(member_id_, {});
    is_asking_ = !id.empty();
    return id.empty() ? std::nullopt : std::optional<Call>(LeaveCall{.member_id = std::move(id)});
  }
  const bool is_polled = polled_at_ && now < *polled_at_ + settings_.max_poll_interval;
  if (state_ == State::idle && is_polled) state_ = State::outside;
  if (state_ == State::outside && !loses_ && (keeps_ || owned_.empty()) && is_polled && topics_) {
    state_ = State::joining;
    is_asking_ = true;
    claimed_ = claims();
    joined_with_ = *topics_;
    return join_call();
  }
  if (state_ == State::sharing) {
    state_ = State::syncing;
    is_asking_ = true;
    return sync_call();
  }
  if (is_member() && now >= heartbeat_at_) {
    is_asking_ = true;
    heartbeat_at_ = now + settings_.heartbeat_interval;
    return HeartbeatCall{.member_id = member_id_, .generation = generation_};
  }
  return std::nullopt;
}

std::optional<Moment> ClassicMember::wake() const {
  if (!may_be_read()) return std::nullopt;
  const std::optional<Moment> polls_by = polled_at_ ? std::optional(*polled_at_ + settings_.max_poll_interval) : std::nullopt;
  if (!is_member()) return polls_by;  // A join may take as long as others like.
  if (is_asking_) return std::nullopt;
  return std::min(heartbeat_at_, polls_by.value_or(heartbeat_at_));
}

/// Others shall have the partitions of whoever does not read them.
void ClassicMember::stop_reading_late(Moment now) {
  if (!may_be_read() || !polled_at_ || now < *polled_at_ + settings_.max_poll_interval) return;
  loses_ = true;
  has_news_ = false;
  given_in_ = -1;
  state_ = State::idle;
  says_goodbye_ = true;
}

JoinCall ClassicMember::join_call() const {
  JoinCall call{.member_id = member_id_, .protocols = {}};
  Subscription subscription{.topics = joined_with_, .owned = {}, .generation = given_in_, .rack = settings_.rack};
  if (keeps_) subscription.owned.assign(claimed_.begin(), claimed_.end());
  for (const Assignor assignor : settings_.assignors) {
    const bool repeats_generation = assignor == Assignor::cooperative_sticky;
    call.protocols.emplace_back(name_of(assignor), write_subscription(subscription, repeats_generation));
  }
  return call;
}

/// All that whoever reads may be reading. As long as it has not followed, that is also what it was given before, or may be about to take.
PartitionSet ClassicMember::claims() const {
  PartitionSet all = owned_;
  if (!has_news_) return all;
  all.insert(claimed_.begin(), claimed_.end());
  all.insert(assigned_.begin(), assigned_.end());
  return all;
}

bool ClassicMember::is_rejoining() const {
  if (!keeps_ || given_in_ < 0) return false;
  switch (state_) {
    case State::outside:
    case State::joining:
    case State::deciding:
    case State::sharing:
    case State::syncing: return true;
    case State::stable:
    case State::giving_up:
    case State::idle:
    case State::over: return false;
  }
  return false;
}

void ClassicMember::share_out_anew() { state_ = keeps_ ? State::outside : State::giving_up; }

SyncCall ClassicMember::sync_call() const {
  SyncCall call{.member_id = member_id_, .generation = generation_, .protocol = protocol_, .assignments = {}};
  for (const auto& [member, partitions] : assignments_) call.assignments.emplace_back(member, write_assignment(partitions));
  return call;
}

void ClassicMember::on_answer(CallAnswer answer, Moment now) {
  is_asking_ = false;
  if (state_ == State::over || state_ == State::idle) return;
  if (const auto* join = std::get_if<JoinAnswer>(&answer))
    take(*join);
  else if (const auto* sync = std::get_if<SyncAnswer>(&answer))
    take(*sync, now);
  else if (const auto* heartbeat = std::get_if<HeartbeatAnswer>(&answer))
    take(*heartbeat);
}

/// Nobody knows whether the request arrived. To join again is never wrong; a heartbeat that failed is sent again at once.
void ClassicMember::on_failure(Moment now) {
  is_asking_ = false;
  if (state_ == State::joining) state_ = State::outside;
  if (state_ == State::syncing) state_ = State::outside;
  if (is_member()) heartbeat_at_ = now;
}

void ClassicMember::on_refusal(error why) {
  is_asking_ = false;
  failure_ = why.set_fatal(true);
  be_outside(true);
  state_ = State::over;
}

void ClassicMember::take(const JoinAnswer& answer) {
  switch (answer.code) {
    case ErrorCode::none: break;
    case ErrorCode::member_id_required: member_id_ = answer.member_id; [[fallthrough]];
    case ErrorCode::rebalance_in_progress: state_ = State::outside; return;
    case ErrorCode::unknown_member_id: return be_outside(false);
    case ErrorCode::illegal_generation: return be_outside(true);
    default: return fail(answer.code, "join");
  }
  member_id_ = answer.member_id;
  generation_ = answer.generation;
  protocol_ = answer.protocol;
  assignments_.clear();
  members_.clear();
  shared_.clear();
  const bool leads = answer.leader == answer.member_id && !answer.skips_assignment;
  if (!leads) {
    state_ = State::sharing;
    return;
  }
  members_ = answer.members;
  state_ = State::deciding;
  if (topics_wanted().empty()) decide({});
}

std::vector<std::string> ClassicMember::topics_wanted() const {
  std::set<std::string> topics;
  if (state_ == State::deciding) {
    for (const Candidate& member : members_) topics.insert(member.subscription.topics.begin(), member.subscription.topics.end());
  }
  return {topics.begin(), topics.end()};
}

void ClassicMember::on_topics(const TopicShapes& topics) {
  if (settings_.filter) match(topics);
  if (state_ == State::deciding) return decide(topics);
  // Partitions that were added have no reader until the group shares out again.
  const bool is_stale = std::ranges::any_of(shared_, [&](const auto& topic) { return count_in(topics, topic.first) != topic.second; });
  if (state_ == State::stable && !members_.empty() && is_stale) return share_out_anew();
  share_out_if_topics_changed();
}

void ClassicMember::decide(const TopicShapes& topics) {
  for (const std::string& topic : topics_wanted()) shared_[topic] = count_in(topics, topic);
  const std::optional<Assignor> assignor = find_assignor(protocol_);
  if (!assignor) return fail(ErrorCode::inconsistent_group_protocol, "join");
  assignments_ = share_out(*assignor, members_, shared_);
  state_ = State::sharing;
}

/// What the cluster keeps for itself is nobody's to read.
void ClassicMember::match(const TopicShapes& topics) {
  topics_.emplace();
  for (const auto& [name, shape] : topics) {
    if (!shape.is_internal && settings_.filter->matches(name)) topics_->push_back(name);
  }
}

void ClassicMember::share_out_if_topics_changed() {
  if (state_ == State::stable && topics_ && *topics_ != joined_with_) share_out_anew();
}

void ClassicMember::take(const SyncAnswer& answer, Moment now) {
  switch (answer.code) {
    case ErrorCode::none: break;
    case ErrorCode::rebalance_in_progress: state_ = State::outside; return;
    case ErrorCode::unknown_member_id: return be_outside(false);
    case ErrorCode::illegal_generation: return be_outside(true);
    default: return fail(answer.code, "join");
  }
  assigned_ = {answer.assigned.begin(), answer.assigned.end()};
  given_in_ = generation_;
  others_wait_ = keeps_ && !std::ranges::includes(assigned_, claimed_);
  has_news_ = true;
  state_ = State::stable;
  heartbeat_at_ = now + settings_.heartbeat_interval;
  share_out_if_topics_changed();
}

void ClassicMember::take(const HeartbeatAnswer& answer) {
  switch (answer.code) {
    case ErrorCode::none: return;
    case ErrorCode::rebalance_in_progress: return share_out_anew();
    case ErrorCode::unknown_member_id: return be_outside(false);
    case ErrorCode::illegal_generation: return be_outside(true);
    default: return fail(answer.code, "stay in");
  }
}

std::optional<Change> ClassicMember::change() const {
  if (loses_) return Change{.revoked = {}, .lost = owned_, .assigned = {}};
  if (state_ == State::giving_up) return Change{.revoked = owned_, .lost = {}, .assigned = {}};
  if (!has_news_ || !(state_ == State::stable || is_rejoining())) return std::nullopt;
  Change news;
  std::ranges::set_difference(owned_, assigned_, std::inserter(news.revoked, news.revoked.end()));
  std::ranges::set_difference(assigned_, owned_, std::inserter(news.assigned, news.assigned.end()));
  return news;
}

/// Whoever reads may have followed a change that something else has overtaken: what is owned then is given up, or lost, after that.
void ClassicMember::on_change_done(const Change& done) {
  for (const topic_partition& each : done.revoked) owned_.erase(each);
  for (const topic_partition& each : done.lost) owned_.erase(each);
  owned_.insert(done.assigned.begin(), done.assigned.end());
  if (owned_ == assigned_) has_news_ = false;
  if (state_ == State::stable && !has_news_ && std::exchange(others_wait_, false)) state_ = State::outside;
  if (!owned_.empty()) return;
  loses_ = false;
  if (state_ == State::giving_up) state_ = State::outside;
}

void ClassicMember::be_outside(bool keeps_id) {
  loses_ = true;
  has_news_ = false;
  generation_ = given_in_ = -1;
  if (!keeps_id) member_id_.clear();
  state_ = State::outside;
}

void ClassicMember::fail(ErrorCode code, std::string_view verb) {
  failure_ = error::from_kafka(static_cast<int>(code), "cannot " + std::string(verb) + " group \"" + settings_.group + "\"");
  failure_->set_fatal(true);
  be_outside(true);
  state_ = State::over;
}

/// A static member comes back under the same name: its partitions wait for it until its session ends.
void ClassicMember::leave() {
  says_goodbye_ = state_ != State::over && !member_id_.empty() && settings_.instance_id.empty();
  state_ = State::over;
}

}  // namespace tidelog::core
