#include "proto/codec/consumer_protocol.h"
#include "tests/unit/broker/group/machine_world.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

// Random histories of groups of all kinds on one machine. Whatever happened, in whatever order, with whatever appends refused: a machine
// that reads the log, compacted up to anywhere or not at all, knows what the machine that wrote it knows.

namespace tidelog::broker {
namespace {

/// A record as the log has it.
struct Logged {
  OwnedBytes key;
  GroupRecord record;  ///< As it is read back.
  bool is_tombstone = false;
  bool begins_batch = false;
};

Logged logged(const GroupRecord& record, bool begins_batch) {
  StoredRecord stored = encode(record);
  const Bytes value = stored.value ? Bytes{*stored.value} : Bytes{};
  Result<GroupRecord> read = decode_group_record(stored.key, value);
  EXPECT_TRUE(read);
  return {.key = std::move(stored.key), .record = std::move(*read), .is_tombstone = !stored.value, .begins_batch = begins_batch};
}

/// What compaction leaves if it has come up to `cut`, and has let go of the tombstones before `forgotten`.
std::vector<GroupRecord> compacted(const std::vector<Logged>& log, std::size_t cut, std::size_t forgotten) {
  std::map<OwnedBytes, std::size_t> last;
  for (std::size_t i = 0; i < cut; ++i) last[log[i].key] = i;
  std::vector<GroupRecord> left;
  for (std::size_t i = 0; i < log.size(); ++i) {
    const bool is_gone = i < cut && (last[log[i].key] != i || (log[i].is_tombstone && i < forgotten));
    if (!is_gone) left.push_back(log[i].record);
  }
  return left;
}

using Offsets = std::map<std::tuple<std::string, std::string, std::int32_t>, OffsetRecord::Value>;

/// What a log says there is.
struct Truth {
  Offsets offsets;
  std::map<std::string, std::string_view> types;  ///< Of every group there is.
  std::set<std::string> stored;                   ///< Groups that are more than their offsets.
};

Truth truth_of(const std::vector<Logged>& log) {
  std::map<OwnedBytes, const GroupRecord*> last;
  for (const Logged& one : log) last[one.key] = one.is_tombstone ? nullptr : &one.record;
  Truth truth;
  for (const auto& [key, record] : last) {
    if (record == nullptr) continue;
    if (const auto* offset = std::get_if<OffsetRecord>(record)) {
      truth.offsets[{offset->group, offset->topic, offset->partition.value}] = *offset->value;
      truth.types.try_emplace(offset->group, "classic");
    } else if (const auto* classic = std::get_if<ClassicGroupRecord>(record)) {
      EXPECT_TRUE(truth.stored.insert(classic->group).second) << "two kinds of one name";
      truth.types[classic->group] = "classic";
    } else if (const auto* consumer = std::get_if<ConsumerGroupRecord>(record)) {
      EXPECT_TRUE(truth.stored.insert(consumer->group).second) << "two kinds of one name";
      truth.types[consumer->group] = "consumer";
    }
  }
  return truth;
}

Offsets offsets_of(const GroupMachine& machine) {
  Offsets all;
  for (const ListedGroup& group : machine.list()) {
    for (const StoredOffset& offset : *machine.offsets(group.name)) {
      all[{group.name, offset.topic(), offset.partition().value}] = offset.value();
    }
  }
  return all;
}

std::string text_of(const PartitionsById& partitions) {
  std::string text;
  for (const auto& [id, indexes] : partitions) {
    text += id.to_string();
    for (const std::int32_t index : indexes) text += "/" + std::to_string(index);
  }
  return text;
}

std::string text_of(const ConsumerDescription& group) {
  std::string text = std::string(group.state) + " " + std::to_string(group.epoch) + " " + std::to_string(group.assignment_epoch);
  std::vector<std::string> members;
  for (const auto& member : group.members) {
    std::string names;
    for (const std::string& name : member.subscribed_names) names += name + ",";
    members.push_back(member.id + (member.is_classic ? " classic " : " ") + std::to_string(member.epoch) + " " + names + " has " +
                      text_of(member.assigned) + " shall " + text_of(member.target));
  }
  std::ranges::sort(members);
  for (const std::string& member : members) text += "; " + member;
  return text;
}

std::string text_of(const ClassicDescription& group) {
  std::vector<std::string> members;
  for (const auto& member : group.members) {
    members.push_back(member.id + " " + std::to_string(member.metadata.size()) + " " + std::to_string(member.assignment.size()));
  }
  std::ranges::sort(members);
  std::string text = std::string(group.state) + " " + group.protocol_type + " " + group.protocol;
  for (const std::string& member : members) text += "; " + member;
  return text;
}

class History {
 public:
  explicit History(std::uint32_t seed) : random_(seed) {
    for (const std::string& topic : kTopics) world_.topics.create(topic, 3);
    world_.settings.offset_metadata_max_bytes = 8;
    world_.settings.offsets_retention = std::chrono::hours(1);
    world_.settings.migration_policy = static_cast<MigrationPolicy>(pick(4));
  }

  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) {
      if (pick(12) == 0) world_.log.refusal = ErrorCode::coordinator_not_available;
      step();
      world_.log.refusal.reset();
      read_late_answers();
      if (pick(15) == 0) check();
      if (pick(40) == 0) fail_over();
    }
    check();
    end();
  }

 private:
  static inline const std::vector<std::string> kTopics{"a", "b", "ab"};

  /// Somebody who believes to be in a group.
  struct Client {
    std::string group;
    std::string id;
    bool is_classic = false;
    std::int32_t generation = -1;  ///< Or epoch.
    std::optional<PartitionsById> owned;
  };

  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  std::string group() { return std::string(1, static_cast<char>('g' + pick(4))); }
  const std::string& topic() { return kTopics[pick(3)]; }
  Client* client() { return clients_.empty() ? nullptr : &clients_[pick(static_cast<std::uint32_t>(clients_.size()))]; }

  void step() {
    switch (pick(16)) {
      case 0:
      case 1:
      case 2: return commit();
      case 3:
      case 4: return join();
      case 5:
      case 6: return sync();
      case 7: return leave();
      case 8: return join_consumer_group();
      case 9:
      case 10: return beat();
      case 11: return delete_group();
      case 12: return delete_offsets();
      case 13: return recreate_topic();
      case 14: return world_.expire();
      default: return pass_time();
    }
  }

  void commit() {
    CommitCall call;
    call.group = group();
    call.version = static_cast<std::int16_t>(2 + pick(9));
    if (Client* const by = client(); by != nullptr && pick(2) == 0) {
      call.group = by->group;
      call.member_id = by->id;
      call.generation_or_epoch = by->generation;
    }
    if (call.version <= 4 && pick(2) == 0) call.retention_ms = pick(10'000'000);
    for (std::uint32_t i = 0; i <= pick(3); ++i) {
      CommitCall::Topic topic = world_.topic_at(this->topic(), static_cast<std::int32_t>(pick(3)), pick(1000));
      topic.partitions[0].leader_epoch = static_cast<std::int32_t>(pick(3)) - 1;
      if (pick(2) == 0) topic.partitions[0].metadata = std::string(pick(10), 'm');
      call.topics.push_back(std::move(topic));
    }
    (void)world_.commit(call);
  }

  void join() {
    Client* by = client();
    if (by == nullptr || !by->is_classic || pick(2) == 0) {
      clients_.push_back({.group = group(), .id = {}, .is_classic = true, .owned = {}});
      by = &clients_.back();
    }
    JoinCall call = MachineWorld::join_call(by->group, "classic-" + std::to_string(++ticket_), {topic()});
    call.ticket = ticket_;
    call.member_id = by->id;
    call.must_know_its_id = pick(2) == 0;
    const auto at = static_cast<std::size_t>(by - clients_.data());
    const auto answer = world_.ask([&](GroupMachine& machine, Step& step) { return machine.join(call, step); });
    waiting_[ticket_] = at;
    if (answer) read(at, *answer);
  }

  void sync() {
    Client* const by = client();
    if (by == nullptr || !by->is_classic) return;
    SyncCall call;
    call.ticket = ++ticket_;
    call.group = by->group;
    call.generation = by->generation;
    call.member_id = by->id;
    for (const Client& other : clients_) {
      if (other.group == by->group) call.assignments.push_back({.member_id = other.id, .bytes = some_assignment()});
    }
    (void)world_.ask([&](GroupMachine& machine, Step& step) { return machine.sync(call, step); });
  }

  /// Or bytes that are none.
  OwnedBytes some_assignment() {
    if (pick(5) == 0) return OwnedBytes(pick(5));
    return proto::encode_assignment({.version = 0, .partitions = {{.topic = topic(), .partitions = {0, 2}}}, .user_data = {}});
  }

  void leave() {
    Client* const by = client();
    if (by == nullptr) return;
    if (by->is_classic) {
      world_.leave(by->group, by->id);
    } else {
      (void)world_.beat(MachineWorld::beat_call(by->group, by->id, -1));
    }
  }

  void join_consumer_group() {
    std::set<std::string> names;
    for (std::uint32_t i = 0; i <= pick(3); ++i) names.insert(topic());
    Client joining{.group = group(), .id = "consumer-" + std::to_string(++ticket_), .owned = {}};
    const auto answer = world_.join_consumer_group(joining.group, joining.id, {names.begin(), names.end()});
    joining.generation = answer.member_epoch;
    joining.owned = answer.assignment;
    clients_.push_back(std::move(joining));
  }

  void beat() {
    Client* const by = client();
    if (by == nullptr) return;
    if (by->is_classic) {
      const HeartbeatCall call{.group = by->group, .generation = by->generation, .member_id = by->id, .instance_id = {}};
      return (void)world_.ask([&](GroupMachine& machine, Step& step) { return machine.heartbeat(call, step); });
    }
    ConsumerHeartbeatCall call = MachineWorld::beat_call(by->group, by->id, by->generation);
    call.owned = by->owned;
    if (pick(4) == 0) call.subscribed_names = {topic()};
    const ConsumerHeartbeatAnswer answer = world_.beat(call);
    if (answer.error != ErrorCode::none) return;
    by->generation = answer.member_epoch;
    if (answer.assignment) by->owned = answer.assignment;
  }

  void delete_group() {
    const std::string name = group();
    if (world_.delete_group(name) == ErrorCode::none) EXPECT_EQ(world_.machine->offsets(name), nullptr);
  }

  void delete_offsets() {
    const OffsetDeleteCall call{.group = group(), .topics = {{.name = topic(), .partitions = {0, 1}}}};
    (void)world_.ask([&](GroupMachine& machine, Step& step) { return machine.delete_offsets(call, step); });
  }

  void recreate_topic() {
    const std::string& name = topic();
    const Uuid before = world_.topics.find(name)->id;
    world_.topics.create(name, 3);
    if (pick(4) == 0) commit();
    Offsets left = offsets_of(*world_.machine);
    std::erase_if(left, [&](const auto& one) {
      const bool is_of_before = one.second.topic_id == before || one.second.topic_id.is_zero();
      return std::get<1>(one.first) == name && is_of_before && !world_.log.refusal;
    });
    world_.ask([&](GroupMachine& machine, Step& step) { return machine.forget_topic(name, before, step), 0; });
    EXPECT_EQ(offsets_of(*world_.machine), left);
  }

  void pass_time() {
    world_.now += pick(10) == 0 ? Moment(std::chrono::minutes(pick(50))) : Moment(std::chrono::seconds(pick(10)));
    world_.tick();
  }

  void read(std::size_t at, const JoinAnswer& answer) {
    Client& to = clients_[at];
    if (!answer.member_id.empty()) to.id = answer.member_id;
    if (answer.error == ErrorCode::none) to.generation = answer.generation;
    if (answer.error == ErrorCode::unknown_member_id) to.id.clear();
  }
  void read_late_answers() {
    for (const LateAnswer& late : world_.late) {
      const auto* answer = std::get_if<JoinAnswer>(&late.answer);
      if (answer != nullptr && waiting_.contains(late.ticket)) read(waiting_[late.ticket], *answer);
    }
    world_.late.clear();
  }

  const std::vector<Logged>& log() {
    for (; read_batches_ < world_.log.batches.size(); ++read_batches_) {
      bool is_first = true;
      for (const GroupRecord& record : world_.log.batches[read_batches_]) log_.push_back(logged(record, std::exchange(is_first, false)));
    }
    return log_;
  }
  /// Anywhere between two batches.
  std::size_t place_in(const std::vector<Logged>& log) {
    std::size_t at = pick(static_cast<std::uint32_t>(log.size()) + 1);
    while (at < log.size() && !log[at].begins_batch) ++at;
    return at;
  }

  void check() {
    const std::vector<Logged>& log = this->log();
    const Truth truth = truth_of(log);
    EXPECT_EQ(offsets_of(*world_.machine), truth.offsets);
    for (const auto& [group, type] : truth.types) EXPECT_NE(world_.machine->offsets(group), nullptr) << group;
    for (const ListedGroup& group : world_.machine->list()) {
      const auto at = truth.types.find(group.name);
      EXPECT_EQ(group.type, at == truth.types.end() ? "classic" : at->second) << group.name;
    }
    const std::size_t cut = place_in(log);
    const std::pair<std::size_t, std::size_t> extents[] = {{0, 0}, {log.size(), 0}, {log.size(), log.size()}, {cut, pick(cut + 1)}};
    for (const auto& [end, forgotten] : extents) {
      check_replay(truth, compacted(log, end, forgotten));
      if (::testing::Test::HasFailure()) ADD_FAILURE() << "compacted to " << end << ", tombstones to " << forgotten << " of " << log.size();
    }
  }

  void check_replay(const Truth& truth, const std::vector<GroupRecord>& records) {
    const auto machine = MachineWorld::replayed(records);
    EXPECT_EQ(offsets_of(*machine), truth.offsets);
    std::map<std::string, std::string_view> types;
    for (const ListedGroup& group : machine->list()) types[group.name] = group.type;
    EXPECT_EQ(types, truth.types);
    for (const std::string& group : truth.stored) {
      if (const auto live = world_.machine->describe_consumer(group)) {
        EXPECT_EQ(text_of(*machine->describe_consumer(group)), text_of(*live)) << group;
      } else if (const auto classic = world_.machine->describe_classic(group); classic->state == "Stable" || classic->state == "Empty") {
        EXPECT_EQ(text_of(*machine->describe_classic(group)), text_of(*classic)) << group;
      }
    }
  }

  /// Another coordinator goes on, from the log as compaction left it.
  void fail_over() {
    const std::vector<Logged>& log = this->log();
    const std::size_t cut = place_in(log);
    std::vector<LateAnswer> gone;
    world_.machine->abandon(ErrorCode::not_coordinator, gone);
    world_.machine = MachineWorld::replayed(compacted(log, cut, pick(cut + 1)));
    Step step = world_.step();
    world_.machine->loaded(step);
  }

  /// Nobody says anything any more.
  void end() {
    int turns = 0;
    for (; world_.machine->wake_at() && turns < 10'000; ++turns) {
      world_.now = std::max(world_.now, *world_.machine->wake_at());
      world_.tick();
    }
    EXPECT_LT(turns, 10'000);
    world_.now += std::chrono::hours(10);
    world_.expire();
    EXPECT_EQ(world_.machine->group_count(), 0U);
    EXPECT_FALSE(world_.machine->wake_at());
    const std::vector<Logged>& log = this->log();
    EXPECT_EQ(MachineWorld::replayed(compacted(log, 0, 0))->group_count(), 0U);
    for (const GroupRecord& left : compacted(log, log.size(), log.size())) ADD_FAILURE() << "a record of kind " << left.index() << " stays";
  }

  std::mt19937 random_;
  MachineWorld world_;
  std::vector<Client> clients_;
  std::map<Ticket, std::size_t> waiting_;
  Ticket ticket_ = 0;
  std::vector<Logged> log_;
  std::size_t read_batches_ = 0;
};

TEST(GroupMachineReplay, EqualsTheLiveStateAfterAnyHistory) {
  for (std::uint32_t seed = 1; seed <= 2000 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed=" + std::to_string(seed));
    History(seed).run(60);
  }
}

}  // namespace
}  // namespace tidelog::broker
