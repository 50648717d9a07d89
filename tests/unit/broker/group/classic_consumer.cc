#include "tests/unit/broker/group/classic_consumer.h"

#include "broker/group/embedded.h"

#include <map>
#include <set>

namespace tidelog::broker {
namespace {

constexpr std::chrono::milliseconds kHeartbeat{1000};
constexpr std::chrono::milliseconds kRetry{100};
/// Longer than a coordinator may wait for the others.
constexpr std::chrono::milliseconds kPatience{9000};

std::vector<proto::NamedPartitions> named(const PartitionSet& partitions, const MixedWorld& world) {
  std::vector<proto::NamedPartitions> topics;
  for (const auto& [id, indexes] : by_topic(partitions)) topics.push_back({.topic = world.topics.name_of(id), .partitions = indexes});
  return topics;
}

}  // namespace

void ClassicConsumer::beat(MixedWorld& world, Fate fate) {
  switch (doing_) {
    case Doing::joins: return join(world, fate);
    case Doing::syncs: return sync(world, fate);
    case Doing::works: return work(world, fate);
    case Doing::waits_to_join:  // No answer in time: the connection is given up, and all is asked again.
    case Doing::waits_to_sync: return rejoin(world);
  }
}

OwnedBytes ClassicConsumer::subscription(const MixedWorld& world) const {
  return proto::encode_subscription({.version = 3,
                                     .topics = names_,
                                     .user_data = std::nullopt,
                                     .owned = named(has_, world),
                                     .generation = generation_,
                                     .rack_id = std::nullopt});
}

void ClassicConsumer::join(MixedWorld& world, Fate fate) {
  next_at_ = world.now + kRetry;
  has_new_subscription_ = false;
  if (fate == Fate::request_lost) return;
  JoinCall call = MachineWorld::join_call("g", id_.empty() ? name_ + "-" + std::to_string(++ids_) : id_);
  call.ticket = world.next_ticket++;
  call.member_id = id_;
  call.instance_id = instance_id_;
  call.session_timeout = kSession;
  call.rebalance_timeout = kRebalance;
  call.protocols = {{.name = kind_ == Kind::eager ? "eager" : "cooperative", .metadata = subscription(world)}};
  call.must_know_its_id = true;
  call.may_skip_assignment = true;
  doing_ = Doing::waits_to_join;
  ticket_ = fate == Fate::answer_lost ? 0 : call.ticket;
  next_at_ = world.now + kPatience;
  const std::optional<JoinAnswer> answer = world.join_group(call);
  if (answer && ticket_ == call.ticket) take(*answer, world);
}

void ClassicConsumer::sync(MixedWorld& world, Fate fate) {
  next_at_ = world.now + kRetry;
  if (fate == Fate::request_lost) return;
  SyncCall call;
  call.ticket = world.next_ticket++;
  call.group = "g";
  call.generation = generation_;
  call.member_id = id_;
  call.instance_id = instance_id_;
  call.assignments = share_out(world);
  doing_ = Doing::waits_to_sync;
  ticket_ = fate == Fate::answer_lost ? 0 : call.ticket;
  next_at_ = world.now + kPatience;
  const std::optional<SyncAnswer> answer = world.sync_group(call);
  if (answer && ticket_ == call.ticket) take(*answer, world);
}

void ClassicConsumer::work(MixedWorld& world, Fate fate) {
  if (gives_up_at_ && *gives_up_at_ <= world.now) return give_up(world);
  next_at_ = world.now + kHeartbeat;
  if (gives_up_at_) next_at_ = std::min(next_at_, *gives_up_at_);
  const bool leads_with_old_topics = leads_with_topics_ && *leads_with_topics_ != world.topics.version();
  if (has_new_subscription_ || leads_with_old_topics) return rejoin(world);
  if (fate == Fate::request_lost) return;
  const ErrorCode code = world.heartbeat({.group = "g", .generation = generation_, .member_id = id_, .instance_id = instance_id_});
  if (fate == Fate::heard && code != ErrorCode::none) take_error(code, world);
}

bool ClassicConsumer::take_late(const LateAnswer& late, MixedWorld& world) {
  if (ticket_ != late.ticket) return false;
  std::visit([&](const auto& answer) { take(answer, world); }, late.answer);
  return true;
}

void ClassicConsumer::take(const JoinAnswer& answer, MixedWorld& world) {
  ticket_ = 0;
  doing_ = Doing::joins;
  next_at_ = world.now + kRetry;
  if (answer.error == ErrorCode::member_id_required) id_ = answer.member_id;
  if (answer.error == ErrorCode::member_id_required) return;
  if (answer.error != ErrorCode::none) return take_error(answer.error, world);
  id_ = answer.member_id;
  generation_ = answer.generation;
  to_assign_ = answer.skip_assignment ? std::vector<JoinAnswer::Member>() : answer.members;
  leads_with_topics_.reset();
  // What its predecessor assigned may have been for other topics.
  if (answer.leader == id_) leads_with_topics_ = answer.skip_assignment ? 0 : world.topics.version();
  doing_ = Doing::syncs;
  next_at_ = world.now;
}

void ClassicConsumer::take(const SyncAnswer& answer, MixedWorld& world) {
  ticket_ = 0;
  doing_ = Doing::joins;
  next_at_ = world.now + kRetry;
  if (answer.error != ErrorCode::none) return take_error(answer.error, world);
  doing_ = Doing::works;
  assigned_ = find_partitions(proto::decode_assignment(answer.assignment)->partitions, world.topics);
  PartitionSet both;
  std::ranges::set_union(has_, assigned_, std::back_inserter(both));
  has_ = std::move(both);
  if (has_ != assigned_) gives_up_at_ = world.now + giving_up_takes_;
  if (gives_up_at_) next_at_ = std::min(next_at_, *gives_up_at_);
}

void ClassicConsumer::take_error(ErrorCode error, MixedWorld& world) {
  switch (error) {
    case ErrorCode::rebalance_in_progress: return rejoin(world);
    case ErrorCode::unknown_member_id: id_.clear(); [[fallthrough]];
    case ErrorCode::illegal_generation: lose(); return rejoin(world);
    case ErrorCode::fenced_instance_id:
      lose();
      is_done_ = true;
      return;
    default: next_at_ = world.now + kRetry;
  }
}

void ClassicConsumer::lose() {
  has_.clear();
  assigned_.clear();
  gives_up_at_.reset();
  generation_ = -1;
}

/// At once, or when it has given up what it has to give up before.
void ClassicConsumer::rejoin(MixedWorld& world) {
  ticket_ = 0;
  leads_with_topics_.reset();
  if (gives_up_at_) return;
  if (kind_ == Kind::cooperative || has_.empty()) {
    doing_ = Doing::joins;
    next_at_ = world.now;
    return;
  }
  doing_ = Doing::works;
  gives_up_at_ = world.now + giving_up_takes_;
  next_at_ = std::min(world.now + kHeartbeat, *gives_up_at_);
}

void ClassicConsumer::give_up(MixedWorld& world) {
  gives_up_at_.reset();
  has_ = kind_ == Kind::cooperative ? assigned_ : PartitionSet{};
  rejoin(world);
}

void ClassicConsumer::leave(MixedWorld& world, Fate fate, bool /*comes_back*/) {
  lose();
  is_done_ = true;
  if (fate == Fate::request_lost || instance_id_ || id_.empty()) return;
  world.leave("g", id_);
}

/// What a leader makes of it: in turn to those who want it. A cooperative one leaves out what another has still.
std::vector<SyncCall::Assignment> ClassicConsumer::share_out(const MixedWorld& world) const {
  std::map<std::string, PartitionSet> shares;
  std::map<TopicPartition, std::string> owners;
  std::map<std::string, std::vector<std::string>> wanted_by;
  for (const JoinAnswer::Member& member : to_assign_) {
    const proto::ConsumerSubscription said = *proto::decode_subscription(member.metadata);
    shares[member.id];
    for (const std::string& topic : said.topics) wanted_by[topic].push_back(member.id);
    for (const TopicPartition& one : find_partitions(said.owned, world.topics)) owners.emplace(one, member.id);
  }
  for (auto& [topic, members] : wanted_by) {
    const std::optional<TopicFacts> facts = world.topics.find(topic);
    std::ranges::sort(members);
    for (std::int32_t index = 0; facts && index < facts->partitions; ++index) {
      const TopicPartition one{.topic_id = facts->id, .partition = PartitionIndex{index}};
      const std::string& to = members[static_cast<std::size_t>(index) % members.size()];
      if (!owners.contains(one) || owners[one] == to) shares[to].push_back(one);
    }
  }
  std::vector<SyncCall::Assignment> assignments;
  for (auto& [member, share] : shares) {
    std::ranges::sort(share);
    assignments.push_back(
        {.member_id = member,
         .bytes = proto::encode_assignment({.version = 1, .partitions = named(share, world), .user_data = std::nullopt})});
  }
  return assignments;
}

}  // namespace tidelog::broker
