#include "client/group/session.h"

#include "proto/messages/find_coordinator_request.h"
#include "proto/messages/find_coordinator_response.h"

#include <algorithm>

namespace tidelog::core {
namespace {

/// The last version that names one group, which is all that is asked for.
constexpr std::int16_t kLastForOne = 3;

bool is_about_coordinator(ErrorCode code) {
  using enum ErrorCode;
  return code == coordinator_load_in_progress || code == coordinator_not_available || code == not_coordinator;
}

}  // namespace

GroupSession::GroupSession(ClientCore& core, std::shared_ptr<ConsumerState> state, MemberSettings settings,
                           std::unique_ptr<Membership> member)
    : core_(core),
      state_(std::move(state)),
      settings_(std::move(settings)),
      member_(std::move(member)),
      lane_(core.cluster().open_lane()),
      offset_lane_(keeps_reading(settings_.assignors) ? core.cluster().open_lane() : lane_) {}

void GroupSession::start() {
  for (const std::string& topic : settings_.topics) core_.cluster().use_topic(topic);
  listener_ = core_.cluster().on_change([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->step();
  });
  if (settings_.filter)
    core_.cluster().use_all_topics();  // `step` asks for them.
  else
    core_.cluster().refresh(settings_.topics, core_.settings().creates_topics, [](const result<void>&) {});
  step();
}

void GroupSession::leave(Task done) {
  left_ = std::move(done);
  state_ = std::make_shared<ConsumerState>();  // Whoever polls from now on has nothing to do with this group.
  if (is_stopped_) return finish();
  core_.loop().call_at(Clock::now() + core_.settings().request_timeout, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self && !self->is_stopped_) self->finish();
  });
  member_->leave();
  // A join may wait for others: what is behind it would wait, too.
  core_.cluster().close_lane(lane_);
  retry_at_ = {};
  step();
}

void GroupSession::step() {
  if (is_stopped_ || is_stepping_) return;
  is_stepping_ = true;
  const TimePoint now = Clock::now();
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->polled_at) member_->on_poll(*state_->polled_at);
  }
  look_at_topics();
  const bool may_ask = now >= retry_at_;
  if (may_ask && !coordinator_ && !member_->is_over()) find_coordinator();
  if (may_ask && coordinator_) {
    if (std::optional<Call> call = member_->next(now)) send(*std::move(call));
  }
  is_stepping_ = false;
  tell();
  if (member_->is_over() && left_) return finish();
  arm_timer();
}

/// The shapes of all topics that matter: what is subscribed, and what the leader shares out.
void GroupSession::look_at_topics() {
  std::optional<std::vector<std::string>> wanted = member_->topics_wanted();
  const bool wants_all = member_->wants_all_topics();
  const std::shared_ptr<const Metadata> known = core_.cluster().metadata();
  if (wanted->empty() && !wants_all && known == seen_) return;
  seen_ = known;
  TopicShapes shapes;
  for (const auto& [name, topic] : known->topics) {
    if (topic->error_code == 0)
      shapes[name] = {
          .id = topic->id, .partitions = static_cast<std::int32_t>(topic->partitions.size()), .is_internal = topic->is_internal};
  }
  const bool knows_all = known->has_all_topics || !settings_.filter;
  const bool is_known = knows_all && std::ranges::all_of(*wanted, [&](const std::string& topic) { return known->topics.contains(topic); });
  if (is_known) member_->on_topics(shapes);
  const bool wants_more = !member_->topics_wanted().empty() || member_->wants_all_topics();
  if (!wants_more || is_refreshing_ || Clock::now() < retry_at_) return;
  if (wants_all || !knows_all) wanted.reset();
  is_refreshing_ = true;
  core_.cluster().refresh(std::move(wanted), false, [weak = weak_from_this()](const result<void>&) {
    const auto self = weak.lock();
    if (!self) return;
    self->is_refreshing_ = false;
    self->retry_at_ = Clock::now() + self->core_.settings().retry_backoff;
    self->arm_timer();
  });
}

void GroupSession::find_coordinator() {
  if (is_finding_) return;
  is_finding_ = true;
  using Message = proto::FindCoordinatorRequest;
  Request request;
  request.api_key = Message::kKey;
  request.min_version = Message::kMinVersion;
  request.max_version = kLastForOne;
  request.deadline = Clock::now() + core_.settings().request_timeout;
  request.encode = [group = settings_.group](proto::Output& out, std::int16_t version) {
    Message message;
    message.key = group;
    proto::encode(message, version, out);
  };
  request.answer = [weak = weak_from_this()](result<Answer> answer) {
    if (const auto self = weak.lock()) self->on_coordinator(std::move(answer));
  };
  core_.cluster().request(Target::any(), std::move(request));
}

void GroupSession::on_coordinator(result<Answer> answer) {
  is_finding_ = false;
  const result<proto::FindCoordinatorResponse> found =
      answer ? read_answer<proto::FindCoordinatorResponse>(*answer) : result<proto::FindCoordinatorResponse>(answer.error());
  if (!found || found->error_code != 0) {
    lose_coordinator();
    return left_ ? finish() : step();  // Who cannot be told need not be.
  }
  const std::int32_t node = found->node_id;
  if (core_.cluster().metadata()->brokers.contains(node)) {
    coordinator_ = node;
    return step();
  }
  // A broker that is new to us: the next answer about metadata names it.
  is_finding_ = true;
  core_.cluster().refresh(std::vector<std::string>{}, false, [weak = weak_from_this(), node](const result<void>&) {
    const auto self = weak.lock();
    if (!self) return;
    self->is_finding_ = false;
    if (self->core_.cluster().metadata()->brokers.contains(node))
      self->coordinator_ = node;
    else
      self->lose_coordinator();
    self->step();
  });
}

void GroupSession::send(Call call) {
  const MemberTimeouts timeouts{.session = core_.settings().session_timeout, .request = core_.settings().request_timeout};
  Request request = to_request(call, settings_, timeouts, Clock::now());
  // Holds the session: who left waits no more, and still says goodbye.
  request.answer = [self = shared_from_this(), call = std::move(call)](result<Answer> answer) { self->on_answer(call, std::move(answer)); };
  core_.cluster().request(Target::node(*coordinator_, lane_), std::move(request));
}

void GroupSession::on_answer(const Call& call, result<Answer> answer) {
  const result<CallAnswer> told = answer ? read_call_answer(call, *answer) : result<CallAnswer>(answer.error());
  const TimePoint now = Clock::now();
  const bool is_goodbye = member_->is_leaving();
  if (told && !is_about_coordinator(code_of(*told))) {
    failures_ = 0;
    member_->on_answer(*told, now);
  } else if (!told && !told.error().retriable() && !is_goodbye && told.error().kind() != errc::closed) {
    member_->on_refusal(told.error());
  } else {
    if (!is_goodbye) lose_coordinator();
    member_->on_failure(now);
  }
  step();
}

void GroupSession::lose_coordinator() {
  const Settings& settings = core_.settings();
  coordinator_.reset();
  const Milliseconds pause = std::min(settings.retry_backoff * (1 << std::min(failures_++, 10)), settings.retry_backoff_max);
  retry_at_ = Clock::now() + pause;
}

/// Whoever polls has to hear of a change; whoever polls after a pause has to be heard of here.
void GroupSession::tell() {
  const bool has_change = member_->change().has_value() || member_->failure().has_value();
  {
    const std::lock_guard lock(state_->mutex);
    state_->has_change = has_change;
    state_->waits_for_poll = !member_->wake() && !has_change;
  }
  if (has_change) state_->changed.notify_all();
}

void GroupSession::arm_timer() {
  if (timer_) core_.loop().cancel(*timer_);
  timer_.reset();
  if (is_stopped_ || is_finding_) return;
  std::optional<TimePoint> next = member_->wake();
  // Nothing is asked before. What is due later is due again then: a member that waits for others may not be due for minutes.
  if (retry_at_ > Clock::now()) next = retry_at_;
  if (!next) return;
  timer_ = core_.loop().call_at(*next, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->timer_.reset();
    self->step();
  });
}

void GroupSession::finish() {
  is_stopped_ = true;
  if (timer_) core_.loop().cancel(*timer_);
  timer_.reset();
  core_.cluster().forget(listener_);
  core_.cluster().close_lane(lane_);
  core_.cluster().close_lane(offset_lane_);
  if (Task left = std::exchange(left_, {})) left();
}

}  // namespace tidelog::core
