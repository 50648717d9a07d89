#include "tests/sim/group_member.h"

#include "client/group/classic_member.h"
#include "client/group/consumer_member.h"

#include <algorithm>

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

constexpr core::Milliseconds kRequestPatience{2000};
constexpr SteadyTime kRestAfterError = 10ms;
/// A commit of which nobody knows whether it arrived may arrive within this time: nothing later is sent before.
constexpr SteadyTime kRestAfterUnknownCommit = 1s;
constexpr SteadyTime kLongestPause = 50ms;

core::Moment moment(SteadyTime at) { return core::Moment(at); }

bool is_about_coordinator(ErrorCode code) {
  using enum ErrorCode;
  return code == coordinator_load_in_progress || code == coordinator_not_available || code == not_coordinator;
}

/// What a member may be ended for: another one has its instance id, or its own last life has not let go of it yet.
bool may_end_it(int code) {
  return code == static_cast<int>(ErrorCode::unreleased_instance_id) || code == static_cast<int>(ErrorCode::fenced_instance_id);
}

std::string listed(const core::PartitionSet& partitions) {
  std::string text = "[";
  for (const topic_partition& each : partitions) text += " " + std::to_string(each.partition());
  return text + " ]";
}

std::vector<int> indexes_of(const std::vector<topic_partition>& partitions) {
  std::vector<int> indexes;
  for (const topic_partition& each : partitions) indexes.push_back(each.partition());
  return indexes;
}

}  // namespace

SimGroupMember::SimGroupMember(ClientWorld& clients, GroupAudit& audit, SimLoop& loop, std::pair<GroupMemberPlan, Dice> what)
    : clients_(clients), audit_(audit), loop_(loop), plan_(std::move(what.first)), dice_(what.second) {
  settings_ = {.group = plan_.group,
               .instance_id = plan_.is_static ? "seat-" + std::to_string(plan_.seat) : "",
               .topics = {clients.topic},
               .assignors = {plan_.assignor},
               .remote_assignor = {},
               .heartbeat_interval = plan_.heartbeat,
               .max_poll_interval = plan_.max_poll};
}

std::string SimGroupMember::state() const {
  std::string text = "seat " + std::to_string(plan_.seat) + " of group " + plan_.group + (plan_.is_classic ? ", classic" : ", consumer");
  text += member_ == nullptr ? ", away" : ", epoch " + std::to_string(member_->generation()) + ", has";
  for (const int partition : owned_) text += " " + std::to_string(partition);
  return text + ", last error " + std::string(name(last_error_));
}

asio::awaitable<void> SimGroupMember::run() {
  while (!clients_.should_stop) {
    begin_life();
    while (lives()) {
      const std::unique_ptr<KafkaConnection> connection = co_await connect_or_rest(clients_, loop_, dice_);
      if (connection == nullptr) continue;
      co_await work(*connection);
      co_await loop_.sleep(kRestAfterError);
    }
    end_life();
    co_await loop_.sleep(SteadyTime(dice_.below(static_cast<std::uint64_t>(plan_.longest_rest.count()) + 1)));
  }
  is_done_ = true;
}

void SimGroupMember::begin_life() {
  if (plan_.is_classic) {
    member_ = std::make_unique<core::ClassicMember>(settings_);
  } else {
    member_ = std::make_unique<core::ConsumerMember>(settings_, "m" + std::to_string(plan_.seat) + "." + std::to_string(++lives_));
  }
  is_dead_ = is_kept_ = false;
  unheard_since_.reset();
  commit_at_ = std::max(commit_at_, loop_.now());
  life_ends_ = loop_.now() + SteadyTime(dice_.below(static_cast<std::uint64_t>(plan_.longest_life.count()) + 1));
}

void SimGroupMember::end_life() {
  if (const auto& failure = member_->failure(); failure && !may_end_it(failure->kafka_code())) {
    clients_.history.violations.push_back(state() + " failed: " + failure->message());
  }
  stop_reading();
  member_ = nullptr;
}

void SimGroupMember::stop_reading() {
  for (const int partition : std::exchange(owned_, {})) audit_.end(place(partition), plan_.seat);
}

/// It leaves, or is gone without a word.
void SimGroupMember::grow_old() {
  if (is_calm_ || loop_.now() < life_ends_ || member_->is_leaving()) return;
  is_dead_ = dice_.chance(400);
  clients_.world.say([&] { return state() + (is_dead_ ? " dies" : " leaves"); });
  stop_reading();
  if (!is_dead_) member_->leave();
}

asio::awaitable<void> SimGroupMember::work(KafkaConnection& connection) {
  if (!co_await find_coordinator({clients_, connection, audit_}, plan_.group)) co_return;
  while (lives()) {
    grow_old();
    if (!is_calm_ && dice_.chance(plan_.nap_per_mille)) {
      clients_.world.mark("a member napped");
      co_await loop_.sleep(plan_.session + SteadyTime(dice_.below(2'000'000'000)));
    }
    if (!co_await go_on(connection)) co_return;
  }
}

asio::awaitable<bool> SimGroupMember::go_on(KafkaConnection& connection) {
  if (commits_now()) {
    const std::vector<int> all(owned_.begin(), owned_.end());
    const bool is_known = co_await commit(connection, all);
    // The pause comes after the answer: on a slow disk a member would do nothing but commit, which keeps its session alive, too.
    const SteadyTime pause(dice_.between(1, static_cast<std::uint64_t>(plan_.commit_pause.count())));
    commit_at_ = std::max(commit_at_, loop_.now() + pause);
    co_return is_known;
  }
  member_->on_poll(moment(loop_.now()));
  give_topics();
  std::optional<core::Change> change = member_->change();
  if (change) co_return co_await follow(connection, *std::move(change));
  std::optional<core::Call> call = member_->next(moment(loop_.now()));
  if (call) co_return co_await ask(connection, *std::move(call));
  const core::Moment next = member_->wake().value_or(moment(loop_.now()));
  const SteadyTime pause = std::clamp<SteadyTime>(next.time_since_epoch() - loop_.now(), 1ms, kLongestPause);
  co_await loop_.sleep(pause);
  co_return true;
}

void SimGroupMember::give_topics() {
  const core::TopicShapes topics{{clients_.topic, {.id = clients_.topic_id, .partitions = clients_.partitions}}};
  if (!member_->topics_wanted().empty()) member_->on_topics(topics);
}

/// Gives up, then takes; what it takes it looks up first.
asio::awaitable<bool> SimGroupMember::follow(KafkaConnection& connection, core::Change change) {
  const bool commits_first = !change.revoked.empty() && loop_.now() >= commit_at_ && member_->generation() >= 0 && dice_.chance(500);
  const std::vector<int> revoked = indexes_of({change.revoked.begin(), change.revoked.end()});
  const bool is_connected = !commits_first || co_await commit(connection, revoked);
  if (!change.revoked.empty() && dice_.chance(200)) co_await loop_.sleep(SteadyTime(dice_.below(100'000'000)));
  for (const auto& gone : {change.revoked, change.lost}) {
    for (const topic_partition& each : gone) {
      owned_.erase(each.partition());
      audit_.end(place(each.partition()), plan_.seat);
    }
  }
  const OffsetCaller caller{clients_, connection, audit_};
  const bool begins = is_connected && (change.assigned.empty() || co_await read_offsets(caller, plan_.group));
  if (!begins) change.assigned.clear();
  clients_.world.say([&] {
    return state() + " gives up " + listed(change.revoked) + ", loses " + listed(change.lost) + ", takes " + listed(change.assigned);
  });
  for (const topic_partition& each : change.assigned) {
    owned_.insert(each.partition());
    audit_.begin(place(each.partition()), plan_.seat);
  }
  member_->on_change_done(change);
  co_return begins;
}

asio::awaitable<bool> SimGroupMember::ask(KafkaConnection& connection, core::Call call) {
  const SteadyTime asked = loop_.now();
  const core::MemberTimeouts timeouts{.session = plan_.session, .request = kRequestPatience};
  core::Request request = core::to_request(call, settings_, timeouts, moment(asked));
  const auto version = static_cast<std::int16_t>(request.max_version - static_cast<std::int16_t>(dice_.below(2)));
  const auto write = [&](proto::Output& out) { request.encode(out, version); };
  std::optional<core::CallAnswer> told;
  if (co_await connection.send_as(request.api_key, version, write)) {
    const Result<Bytes> body = co_await connection.receive(request.deadline.time_since_epoch() - asked);
    const core::Answer answer{.frame = {}, .body = body ? *body : Bytes(), .version = version, .broker = "node"};
    const result<core::CallAnswer> read = core::read_call_answer(call, answer);
    if (body && !read) clients_.history.violations.push_back(state() + " was answered with what is none");
    if (body && read) told = *read;
  }
  if (told) last_error_ = core::code_of(*told);
  if (!told || is_about_coordinator(last_error_)) {
    if (!unheard_since_) unheard_since_ = asked;
    member_->on_failure(moment(loop_.now()));
    co_return false;
  }
  note(call, *told, asked);
  member_->on_answer(*std::move(told), moment(loop_.now()));
  co_return true;
}

void SimGroupMember::note(const core::Call& call, const core::CallAnswer& told, SteadyTime asked) {
  clients_.world.say([&] {
    return state() + " got an answer of kind " + std::to_string(told.index()) + ", asked at " + std::to_string(asked.count() / 1000);
  });
  if (last_error_ == ErrorCode::unknown_member_id && !std::holds_alternative<core::LeaveCall>(call)) return note_unknown(asked);
  const auto* beat = std::get_if<core::ConsumerAnswer>(&told);
  const bool says_goodbye = std::holds_alternative<core::LeaveCall>(call) || (beat != nullptr && beat->epoch < 0);
  if (says_goodbye) is_kept_ = false;
  if (last_error_ != ErrorCode::none || says_goodbye) return;
  renew(told, asked);
  if (const auto* join = std::get_if<core::JoinAnswer>(&told); join != nullptr && join->leader.empty()) {
    clients_.world.mark("a classic member was in a consumer group");
  }
  const auto note_places = [&](const std::vector<int>& partitions, std::int32_t epoch) {
    for (const int partition : partitions)
      audit_.note_told(place(partition), {.seat = plan_.seat, .epoch = epoch}, asked, !plan_.group_is_mixed);
  };
  if (const auto* sync = std::get_if<core::SyncAnswer>(&told)) {
    is_kept_ = true;
    note_places(indexes_of(sync->assigned), std::get<core::SyncCall>(call).generation);
  }
  if (beat == nullptr) return;
  is_kept_ = true;
  std::vector<int> partitions;
  for (const auto& [id, partition] : beat->assigned.value_or(std::vector<std::pair<Uuid, std::int32_t>>())) partitions.push_back(partition);
  note_places(partitions, beat->epoch);
}

/// What it may rely on after an answer, which was made at `asked` at the earliest.
void SimGroupMember::renew(const core::CallAnswer& told, SteadyTime asked) {
  // While a coordinator loads, a heartbeat is let pass without a look at the member.
  const bool says_little = std::holds_alternative<core::HeartbeatAnswer>(told) && asked >= right_until_;
  if (says_little) return;
  // The time to give something up begins with the first answer that said so, be it one that was lost.
  const SteadyTime gives_up_since = unheard_since_.value_or(asked);
  right_until_ = std::min(asked + plan_.session, gives_up_since + plan_.max_poll);
  audit_.may_read_until(plan_.seat, right_until_);
  const auto* beat = std::get_if<core::ConsumerAnswer>(&told);
  std::set<int> kept;
  if (beat != nullptr && beat->assigned) {
    for (const auto& [id, partition] : *beat->assigned) kept.insert(partition);
  }
  const bool must_give_up = beat != nullptr && beat->assigned && !std::ranges::includes(kept, owned_);
  if (!must_give_up) unheard_since_.reset();
}

/// A member that the coordinator has told so is one until its session ends.
void SimGroupMember::note_unknown(SteadyTime asked) {
  clients_.world.mark("a member was not known any more");
  const bool was_in_time = std::exchange(is_kept_, false) && loop_.now() < right_until_;
  if (was_in_time) {
    clients_.history.violations.push_back(state() + " was forgotten within its session (asked at " + std::to_string(asked.count() / 1000) +
                                          " us)");
  }
}

asio::awaitable<bool> SimGroupMember::commit(KafkaConnection& connection, std::vector<int> partitions) {
  CommitAs as{.group = plan_.group,
              .member_id = member_->member_id(),
              .instance_id = settings_.instance_id,
              .reader = {.seat = plan_.seat, .epoch = member_->generation()},
              .version = static_cast<std::int16_t>(dice_.between(9, 10)),
              .partitions = std::move(partitions)};
  const OffsetCaller caller{clients_, connection, audit_};
  const std::optional<ErrorCode> outcome = co_await commit_offsets(caller, std::move(as));
  const bool is_known = outcome && !is_about_coordinator(*outcome);
  if (!is_known) commit_at_ = loop_.now() + kRestAfterUnknownCommit;
  if (outcome && is_known && *outcome != ErrorCode::none) clients_.world.mark("a commit was refused");
  if (outcome && !is_known) clients_.world.mark("a coordinator could not say");
  co_return is_known;
}

}  // namespace tidelog::sim
