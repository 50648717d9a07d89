#include "client/group/consumer_member.h"

#include <algorithm>

namespace tidelog::core {
namespace {

constexpr std::int32_t kJoinEpoch = 0, kLeaveEpoch = -1, kPauseEpoch = -2;

}  // namespace

std::optional<Call> ConsumerMember::next(Moment now) {
  stop_reading_late(now);
  if (is_asking_) return std::nullopt;
  if (says_goodbye_) {
    says_goodbye_ = false;
    is_asking_ = true;
    // A static member that goes for good, or for being late, would lose its name to another at once.
    const bool comes_back = state_ == State::over && !settings_.instance_id.empty();
    return ConsumerCall{.member_id = member_id_, .epoch = comes_back ? kPauseEpoch : kLeaveEpoch, .is_whole = false, .owned = {}};
  }
  const bool is_polled = polled_at_ && now < *polled_at_ + settings_.max_poll_interval;
  if (state_ == State::idle && is_polled) state_ = State::outside;
  const bool joins = state_ == State::outside && is_polled && !loses_ && owned_.empty() && now >= heartbeat_at_;
  const bool beats = state_ == State::inside && (must_report_ || now >= heartbeat_at_);
  if (!joins && !beats) return std::nullopt;
  is_asking_ = true;
  heartbeat_at_ = now + interval_;
  return heartbeat();
}

ConsumerCall ConsumerMember::heartbeat() {
  const bool joins = state_ == State::outside;
  ConsumerCall call{.member_id = member_id_, .epoch = joins ? kJoinEpoch : epoch_, .is_whole = joins || must_say_all_, .owned = {}};
  if (call.is_whole || must_report_) {
    call.owned.emplace();
    for (const auto& [where, id] : owned_) {
      if (!id.is_zero()) call.owned->emplace_back(id, where.partition());
    }
  }
  must_report_ = must_say_all_ = false;
  return call;
}

std::optional<Moment> ConsumerMember::wake() const {
  if (is_asking_) return std::nullopt;
  const bool waits = state_ == State::inside || (state_ == State::outside && !loses_ && owned_.empty() && polled_at_);
  if (!waits) return std::nullopt;
  return polled_at_ ? std::min(heartbeat_at_, *polled_at_ + settings_.max_poll_interval) : heartbeat_at_;
}

/// Others shall have the partitions of whoever does not read them.
void ConsumerMember::stop_reading_late(Moment now) {
  if (state_ != State::inside || !polled_at_ || now < *polled_at_ + settings_.max_poll_interval) return;
  be_outside();
  state_ = State::idle;
  says_goodbye_ = true;
}

void ConsumerMember::on_answer(CallAnswer answer, Moment now) {
  is_asking_ = false;
  const auto* told = std::get_if<ConsumerAnswer>(&answer);
  if (told != nullptr && state_ != State::over && state_ != State::idle) take(*told, now);
}

/// Nobody knows whether the request arrived, and a coordinator that took it answers all the same when it is sent again.
void ConsumerMember::on_failure(Moment now) {
  is_asking_ = false;
  must_say_all_ = true;
  heartbeat_at_ = now;
}

void ConsumerMember::on_refusal(error why) {
  is_asking_ = false;
  failure_ = why.set_fatal(true);
  be_outside();
  state_ = State::over;
}

void ConsumerMember::take(const ConsumerAnswer& answer, Moment now) {
  if (answer.code == ErrorCode::unknown_member_id || answer.code == ErrorCode::fenced_member_epoch) {
    heartbeat_at_ = now;
    return be_outside();
  }
  if (answer.code != ErrorCode::none) return fail(answer);
  if (!answer.member_id.empty()) member_id_ = answer.member_id;
  state_ = State::inside;
  epoch_ = answer.epoch;
  interval_ = std::max(answer.heartbeat_interval, Milliseconds(1));
  heartbeat_at_ = now + interval_;
  if (!answer.assigned) return;
  target_ = {answer.assigned->begin(), answer.assigned->end()};
  has_news_ = true;
}

/// What the target comes to, as far as the names of its topics are known.
std::map<topic_partition, Uuid> ConsumerMember::wanted() const {
  std::map<topic_partition, Uuid> all;
  for (const auto& [id, partition] : target_) {
    const auto name = names_.find(id);
    if (name != names_.end()) all.emplace(topic_partition(name->second, partition), id);
  }
  return all;
}

bool ConsumerMember::has_nameless() const {
  return std::ranges::any_of(target_, [this](const Place& place) { return !names_.contains(place.first); });
}

std::optional<Change> ConsumerMember::change() const {
  Change change;
  if (loses_) {
    for (const auto& [where, id] : owned_) change.lost.insert(where);
    return change;
  }
  if (state_ != State::inside || !has_news_) return std::nullopt;
  const auto all = wanted();
  for (const auto& [where, id] : owned_) {
    const auto kept = all.find(where);
    if (kept == all.end() || kept->second != id) change.revoked.insert(where);  // Another topic of the same name is not the same.
  }
  for (const auto& [where, id] : all) {
    const auto had = owned_.find(where);
    if (had == owned_.end() || had->second != id) change.assigned.insert(where);
  }
  const bool is_nothing = change == Change{} && has_nameless();
  return is_nothing ? std::nullopt : std::optional(change);
}

void ConsumerMember::on_change_done(const Change& done) {
  for (const topic_partition& each : done.revoked) owned_.erase(each);
  for (const topic_partition& each : done.lost) owned_.erase(each);
  const auto all = wanted();
  for (const topic_partition& each : done.assigned) {
    const auto id = all.find(each);
    // What the target has not any more was taken for a change that another one overtook; no id stands for it, so it is given up next.
    owned_.emplace(each, id == all.end() ? Uuid{} : id->second);
  }
  if (owned_.empty()) loses_ = false;
  if (loses_ || state_ != State::inside) return;
  must_report_ = true;
  if (owned_ == all && !has_nameless()) has_news_ = false;
}

std::vector<std::string> ConsumerMember::topics_wanted() const { return waits_for_names() ? settings_.topics : std::vector<std::string>(); }

void ConsumerMember::on_topics(const TopicShapes& topics) {
  for (const auto& [name, shape] : topics) {
    if (!shape.id.is_zero()) names_.insert_or_assign(shape.id, name);
  }
}

void ConsumerMember::be_outside() {
  loses_ = true;
  has_news_ = must_report_ = false;
  target_.clear();
  epoch_ = 0;
  state_ = State::outside;
}

void ConsumerMember::fail(const ConsumerAnswer& answer) {
  failure_ = error::from_kafka(static_cast<int>(answer.code), "cannot be a member of group \"" + settings_.group + "\"", answer.text);
  failure_->set_fatal(true);
  be_outside();
  state_ = State::over;
}

void ConsumerMember::leave() {
  says_goodbye_ = state_ == State::inside;
  state_ = State::over;
}

}  // namespace tidelog::core
