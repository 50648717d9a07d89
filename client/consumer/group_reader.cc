#include "client/consumer/group_reader.h"

#include "client/admin/offsets.h"
#include "client/group/classic_member.h"
#include "client/group/consumer_member.h"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>

namespace tidelog::core {
namespace {

/// A commit that is due while the coordinator is away may hold a poll up for this long.
constexpr Milliseconds kCommitPatience{1'000};

topic_partition place_of(const AssignedPartition& partition) { return {*partition.topic, partition.index}; }

GroupReader::Partitions without(const GroupReader::Partitions& reading, const PartitionSet& gone) {
  GroupReader::Partitions left;
  for (const auto& each : reading) {
    if (!gone.contains(place_of(*each))) left.push_back(each);
  }
  return left;
}

GroupReader::Partitions only(const GroupReader::Partitions& reading, const PartitionSet& these) {
  GroupReader::Partitions found;
  for (const auto& each : reading) {
    if (these.contains(place_of(*each))) found.push_back(each);
  }
  return found;
}

void call(const subscription::listener& listener, const PartitionSet& partitions) {
  if (listener && !partitions.empty()) listener({partitions.begin(), partitions.end()});
}

MemberSettings member_settings(const Settings& settings, const subscription& what) {
  return {.group = settings.group_id,
          .instance_id = settings.group_instance_id,
          .rack = settings.client_rack,
          .topics = what.topics(),
          .assignors = settings.group_protocol == GroupProtocol::classic ? settings.assignors : std::vector<Assignor>(),
          .remote_assignor = settings.group_remote_assignor,
          .heartbeat_interval = settings.heartbeat_interval,
          .max_poll_interval = settings.max_poll_interval};
}

/// Nobody else has it, in any process.
std::string new_member_id() {
  std::random_device random;
  Uuid id;
  for (std::byte& byte : id.bytes) byte = static_cast<std::byte>(random());
  return id.to_string();
}

/// The group has moved on, and the session will hear of it: there is nothing to tell the user yet.
bool is_overtaken(const error& why) {
  const auto code = static_cast<ErrorCode>(why.kafka_code());
  return code == ErrorCode::stale_member_epoch || code == ErrorCode::fenced_member_epoch || code == ErrorCode::unknown_member_id;
}

}  // namespace

std::vector<group_offset> positions_of(const GroupReader::Partitions& reading) {
  std::vector<group_offset> offsets;
  for (const auto& each : reading) offsets.emplace_back(*each->topic, each->index, each->position);
  return offsets;
}

GroupReader::GroupReader(std::shared_ptr<ClientCore> client, std::shared_ptr<ConsumerState> state, subscription what,
                         std::shared_ptr<const TopicFilter> filter)
    : client_(std::move(client)), state_(std::move(state)), what_(std::move(what)), filter_(std::move(filter)) {
  const Settings& settings = client_->settings();
  MemberSettings member = member_settings(settings, what_);
  member.filter = filter_;
  std::unique_ptr<Membership> membership;
  if (settings.group_protocol == GroupProtocol::consumer)
    membership = std::make_unique<ConsumerMember>(member, new_member_id());
  else
    membership = std::make_unique<ClassicMember>(member);
  commit_at_ = Clock::now() + settings.commit_interval;
  client_->loop().run_and_wait(
      [&] { session_ = std::make_shared<GroupSession>(*client_, state_, std::move(member), std::move(membership)); });
}

GroupReader::~GroupReader() {
  if (is_closed_) return;
  client_->loop().run_and_wait([this] { session_->leave([] {}); });
}

result<void> GroupReader::start(TimePoint deadline) {
  const result<void> looked_up = what_.until() ? look_up_ends(deadline) : result<void>();
  if (looked_up) client_->loop().run_and_wait([this] { session_->start(); });
  return looked_up;
}

result<void> GroupReader::look_up_ends(TimePoint deadline) {
  const result<std::vector<std::string>> topics = topics_now(deadline);
  if (!topics) return topics.error();
  std::vector<OffsetQuery> queries;
  for (const std::string& topic : *topics) {
    const auto found = client_->find_topic(topic, client_->settings().creates_topics, deadline);
    if (!found) return found.error();
    for (std::size_t i = 0; i < (*found)->partitions.size(); ++i)
      queries.push_back({.topic = topic, .partition = static_cast<std::int32_t>(i), .where = *what_.until()});
  }
  const auto offsets = look_up_offsets(*client_, queries, deadline);
  if (!offsets) return offsets.error();
  for (std::size_t i = 0; i < queries.size(); ++i) until_[{queries[i].topic, queries[i].partition}] = (*offsets)[i];
  return {};
}

result<std::vector<std::string>> GroupReader::topics_now(TimePoint deadline) {
  if (!filter_) return what_.topics();
  const auto known = client_->fetch_metadata(std::nullopt, false, deadline);
  if (!known) return known.error();
  std::vector<std::string> matching;
  for (const auto& [name, topic] : (*known)->topics) {
    if (topic->error_code == 0 && !topic->is_internal && filter_->matches(name)) matching.push_back(name);
  }
  return matching;
}

void GroupReader::polled() {
  bool is_awaited = false;
  {
    const std::lock_guard lock(state_->mutex);
    is_awaited = state_->waits_for_poll || !state_->polled_at;
    state_->polled_at = Clock::now();
  }
  if (is_awaited) client_->loop().post([session = session_] { session->step(); });
}

bool GroupReader::has_change() const {
  const std::lock_guard lock(state_->mutex);
  return state_->has_change;
}

std::optional<Change> GroupReader::next_change() {
  std::optional<Change> change;
  client_->loop().run_and_wait([&] { change = session_->member().change(); });
  return change;
}

void GroupReader::on_done(const Change& done) {
  client_->loop().run_and_wait([&] {
    session_->member().on_change_done(done);
    is_settled_ = session_->member().is_settled();
    session_->step();
  });
}

result<void> GroupReader::follow(const Partitions& reading, const Replace& replace) {
  Partitions now = reading;
  while (const std::optional<Change> change = next_change()) {
    give_up(change->revoked, now);
    call(what_.lost() ? what_.lost() : what_.revoked(), change->lost);
    now = without(without(now, change->revoked), change->lost);
    replace(now);
    result<Partitions> added = begin(change->assigned);
    if (!added) {
      // What was given up is, whatever becomes of the rest.
      on_done({.revoked = change->revoked, .lost = change->lost, .assigned = {}});
      return is_overtaken(added.error()) ? result<void>() : result<void>(added.error());
    }
    now.insert(now.end(), added->begin(), added->end());
    replace(now);
    call(what_.assigned(), change->assigned);
    on_done(*change);
  }
  std::optional<error> failure;
  client_->loop().run_and_wait([&] { failure = session_->member().failure(); });
  return failure ? result<void>(*failure) : result<void>();
}

void GroupReader::give_up(const PartitionSet& revoked, const Partitions& reading) {
  if (revoked.empty()) return;
  // Whoever has them next reads again what could not be committed.
  if (commits_by_itself()) (void)commit(positions_of(only(reading, revoked)), client_->api_deadline());
  call(what_.revoked(), revoked);
}

result<GroupReader::Partitions> GroupReader::begin(const PartitionSet& assigned) {
  if (assigned.empty()) return Partitions();
  const TimePoint deadline = client_->api_deadline();
  GroupMember member = who();
  if (client_->settings().group_protocol == GroupProtocol::classic) member.generation = -1;  // It is not asked for there.
  const auto committed = fetch_offsets(*client_, member, {assigned.begin(), assigned.end()}, deadline);
  if (!committed) return committed.error();
  Partitions added;
  for (const topic_partition& where : assigned) {
    const auto found = std::ranges::find(*committed, where, &group_offset::where);
    const result<std::int64_t> from = found != committed->end() ? result<std::int64_t>(found->offset()) : first_offset(where, deadline);
    if (!from) return from.error();
    const auto until = until_.find(where);
    auto partition = std::make_shared<AssignedPartition>();
    partition->topic = std::make_shared<const std::string>(where.topic());
    partition->index = where.partition();
    partition->position = partition->fetch_offset = *from;
    // A partition that was not there when the ends were looked up has nothing that was there.
    if (what_.until()) partition->until = until != until_.end() ? until->second : *from;
    added.push_back(std::move(partition));
  }
  return added;
}

OffsetReset GroupReader::reset() const { return client_->settings().offset_reset.value_or(OffsetReset::latest); }

result<std::int64_t> GroupReader::first_offset(const topic_partition& where, TimePoint deadline) {
  offset_spec place = reset() == OffsetReset::earliest ? offset_spec::start() : offset_spec::end();
  if (what_.from()) place = *what_.from();
  if (!what_.from() && reset() == OffsetReset::none) {
    error none(errc::not_found, "group \"" + client_->settings().group_id + "\" has committed nothing for \"" + where.topic() +
                                    "\" partition " + std::to_string(where.partition()));
    return none.set_hint("auto.offset.reset=earliest or latest says where to begin then").set_topic(where.topic(), where.partition());
  }
  const auto offsets = look_up_offsets(*client_, {{.topic = where.topic(), .partition = where.partition(), .where = place}}, deadline);
  return offsets ? result<std::int64_t>(offsets->front()) : result<std::int64_t>(offsets.error());
}

GroupMember GroupReader::who() const {
  const Settings& settings = client_->settings();
  GroupMember member = GroupMember::nobody(settings.group_id);
  client_->loop().run_and_wait([&] {
    member.id = session_->member().member_id();
    member.generation = session_->member().generation();
  });
  if (!settings.group_instance_id.empty()) member.instance_id = settings.group_instance_id;
  member.lane = session_->offset_lane();
  return member;
}

result<void> GroupReader::commit(const std::vector<group_offset>& offsets, TimePoint deadline) {
  if (offsets.empty()) return {};
  for (std::int32_t tried = -2;;) {
    const GroupMember member = who();
    const auto results = commit_offsets(*client_, member, offsets, deadline);
    if (!results) return results.error();
    const auto failed = std::ranges::find_if(*results, [](const auto& each) { return !each.outcome(); });
    if (failed == results->end()) return {};
    const bool is_again = std::exchange(tried, member.generation) == member.generation;
    if (Clock::now() >= deadline || !is_passing(failed->outcome().error(), is_again)) return failed->outcome();
  }
}

/// Whether a commit that was refused may be taken when it is sent again, with the epoch that is ours by then.
bool GroupReader::is_passing(const error& why, bool is_again) const {
  const auto code = static_cast<ErrorCode>(why.kafka_code());
  // The epoch moved on between the question who we are and the commit.
  if (code == ErrorCode::stale_member_epoch) return !is_again;
  if (code != ErrorCode::rebalance_in_progress && code != ErrorCode::illegal_generation) return false;
  bool is_rejoining = false;
  client_->loop().run_and_wait([&] { is_rejoining = session_->member().is_rejoining(); });
  if (is_rejoining) std::this_thread::sleep_for(client_->settings().retry_backoff);
  return is_rejoining || (keeps_reading(client_->settings().assignors) && !is_again);
}

void GroupReader::commit_now_and_then(const Partitions& reading, TimePoint deadline) {
  const TimePoint now = Clock::now();
  if (!commits_by_itself() || now < commit_at_) return;
  commit_at_ = now + client_->settings().commit_interval;
  (void)commit(positions_of(reading), std::max(deadline, now + kCommitPatience));
}

result<void> GroupReader::close(const Partitions& reading, const Replace& replace) {
  if (is_closed_) return {};
  result<void> committed;
  if (commits_by_itself()) committed = commit(positions_of(reading), client_->api_deadline());
  PartitionSet all;
  for (const auto& each : reading) all.insert(place_of(*each));
  call(what_.revoked(), all);
  replace({});
  is_closed_ = true;
  std::promise<void> left;
  std::future<void> has_left = left.get_future();
  client_->loop().post([this, &left] { session_->leave([&left] { left.set_value(); }); });
  has_left.wait();  // The session has its deadline.
  return committed;
}

}  // namespace tidelog::core
