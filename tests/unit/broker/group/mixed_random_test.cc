#include "tests/unit/broker/group/classic_consumer.h"
#include "tests/unit/broker/group/consumer_client.h"
#include "tests/unit/broker/group/mixed_world.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <variant>

// Consumers of both protocols in one group, which changes from the one to the other and back while they lose answers, sleep, die, leave and
// come back with the other protocol, topics grow, the log refuses and coordinators change. Whatever happens, a partition is one's at a
// time, a generation that is over commits nothing, what is stored is what is so, and once it is quiet everybody arrives.

namespace tidelog::broker {
namespace {

using Fate = ConsumerClient::Fate;
using Client = std::variant<ConsumerClient, ClassicConsumer>;

constexpr std::chrono::milliseconds kTrouble{25'000};
constexpr std::chrono::milliseconds kQuiet{60'000};
constexpr int kPlaces = 5;

class MixedUpheaval {
 public:
  explicit MixedUpheaval(unsigned seed) : random_(seed) {
    world_.settings.consumer_session_timeout = std::chrono::milliseconds(8000);
    world_.settings.initial_rebalance_delay = std::chrono::milliseconds(chance(2) ? 0 : pick(2000));
    world_.settings.migration_policy = chance(4) ? MigrationPolicy::upgrade : MigrationPolicy::bidirectional;
    kind_ = chance(2) ? ClassicConsumer::Kind::eager : ClassicConsumer::Kind::cooperative;
    for (int topic = 0; topic < 3; ++topic) world_.topics.grow(topic_name(topic), 1 + pick(4));
    trouble_ = 1 + pick(12);
  }

  /// False: something that must hold did not; `why` says what.
  bool survives() {
    while (why_.empty() && world_.now < kTrouble) {
      if (chance(40 / trouble_)) disturb();
      turn(true);
    }
    calm();
    run_until(world_.now + kQuiet);
    if (why_.empty()) check_arrived();
    const std::size_t batches = world_.log.batches.size();
    run_until(world_.now + std::chrono::milliseconds(10'000));
    if (why_.empty() && world_.log.batches.size() != batches) fail("something was stored though nothing changed");
    return why_.empty();
  }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] int changes() const { return changes_; }

 private:
  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  bool chance(int one_in) { return pick(std::max(one_in, 1)) == 0; }
  static std::string topic_name(int topic) { return "t" + std::to_string(topic); }
  static Moment next_beat(const Client& client) {
    return std::visit([](const auto& one) { return one.next_beat(); }, client);
  }
  static const std::string& id_of(const Client& client) {
    return std::visit([](const auto& one) -> const std::string& { return one.id(); }, client);
  }
  static std::int32_t epoch_of(const Client& client) {
    return std::visit([](const auto& one) { return one.epoch(); }, client);
  }
  static const PartitionSet& has(const Client& client) {
    return std::visit([](const auto& one) -> const PartitionSet& { return one.has(); }, client);
  }
  static bool is_done(const Client& client) {
    return std::visit([](const auto& one) { return one.is_done(); }, client);
  }

  Fate fate() {
    if (!chance(12)) return Fate::heard;
    return chance(2) ? Fate::request_lost : Fate::answer_lost;
  }

  void run_until(Moment until) {
    while (why_.empty() && world_.now < until) turn(false);
  }

  /// The next thing that is due.
  void turn(bool is_troubled) {
    std::optional<Client>* next = nullptr;
    for (std::optional<Client>& client : clients_) {
      if (client && (next == nullptr || next_beat(*client) < next_beat(**next))) next = &client;
    }
    const Moment soon = world_.now + std::chrono::milliseconds(250);
    if (is_troubled && chance(25)) world_.log.refusal = ErrorCode::coordinator_not_available;
    if (next == nullptr || next_beat(**next) > soon) {
      world_.advance(soon);
    } else {
      world_.advance(std::max(world_.now, next_beat(**next)));
      act(*next, is_troubled);
    }
    world_.log.refusal.reset();
    deliver_late();
    if (next != nullptr && is_done(**next)) next->reset();
    check();
  }

  void act(std::optional<Client>& its, bool is_troubled) {
    deliver_late();
    Client& client = *its;
    if (std::holds_alternative<ClassicConsumer>(client)) spoken_.insert({id_of(client), epoch_of(client)});
    const Moment time = std::chrono::milliseconds(chance(8) ? 9000 : pick(3000));
    if (is_troubled && chance(2)) std::visit([&](auto& one) { one.take_time(time); }, client);
    const bool may_be_late = !is_static(its) || std::holds_alternative<ConsumerClient>(client);
    const Fate how = is_troubled && may_be_late ? fate() : Fate::heard;
    std::visit([&](auto& one) { one.beat(world_, how); }, client);
  }

  void deliver_late() {
    for (const LateAnswer& late : std::exchange(world_.late, {})) {
      if (const auto* join = std::get_if<JoinAnswer>(&late.answer)) world_.note(*join);
      for (std::optional<Client>& client : clients_) {
        auto* const classic = client ? std::get_if<ClassicConsumer>(&*client) : nullptr;
        if (classic != nullptr && classic->take_late(late, world_)) break;
      }
    }
  }

  void disturb() {
    std::optional<Client>& client = clients_[static_cast<std::size_t>(pick(kPlaces))];
    switch (pick(10)) {
      case 0:
      case 1: return client && !is_static(client) ? subscribe(*client, some_topics()) : start(client);
      case 2:
      case 3: return change_protocol(client);
      case 4: return client ? fall_silent(client) : start(client);
      case 5: return client && chance(3) ? linger(client) : client.reset();
      case 6: return leave(client);
      case 7: return world_.topics.grow(topic_name(pick(4)), 1 + pick(6));
      default: return chance(2) ? restart() : start(client);
    }
  }

  /// A static member that is late for a rebalance is not missed: it is not dropped before its session ends, whatever others are assigned.
  /// That is so in the classic protocol, and so none is late here.
  void fall_silent(std::optional<Client>& client) {
    const bool may_oversleep = !is_static(client);
    const Moment until = world_.now + std::chrono::milliseconds(pick(may_oversleep ? 12'000 : 1500));
    std::visit([&](auto& one) { one.sleep_until(until); }, *client);
  }
  void leave(std::optional<Client>& client) {
    if (!client) return;
    const bool comes_back = chance(2) && is_static(client);
    std::visit([&](auto& one) { one.leave(world_, fate(), comes_back); }, *client);
    deliver_late();
    client.reset();
  }
  /// As in a rolling restart.
  void change_protocol(std::optional<Client>& client) {
    if (!client) return start(client);
    const bool is_classic = std::holds_alternative<ClassicConsumer>(*client);
    leave(client);
    start(client, !is_classic);
  }
  /// It does not die, but something that believes it did starts another in its place.
  void linger(std::optional<Client>& client) {
    std::visit([&](auto& one) { one.sleep_until(world_.now + std::chrono::milliseconds(pick(1500))); }, *client);
    clients_.back() = std::exchange(client, std::nullopt);
    start(client);
  }

  [[nodiscard]] bool is_static(const std::optional<Client>& client) const { return (&client - clients_.data()) % 2 == 1; }
  void start(std::optional<Client>& client) { start(client, !chance(3)); }
  void start(std::optional<Client>& client, bool is_classic) {
    if (client) return;
    const auto place = std::to_string(&client - clients_.data());
    const std::string name = "m" + place + "-" + std::to_string(++started_);
    // Who takes over from a cooperative member in the classic protocol does not know what that one was about to give up: it would be
    // nobody's.
    const bool may_be_static = !is_classic || kind_ == ClassicConsumer::Kind::eager;
    const std::optional<std::string> instance = is_static(client) && may_be_static ? std::optional("i" + place) : std::nullopt;
    if (is_classic) {
      client.emplace(ClassicConsumer(name, instance, kind_));
    } else {
      client.emplace(ConsumerClient(name, instance));
    }
    std::visit([&](auto& one) { one.sleep_until(world_.now); }, *client);
    const std::vector<std::string> names = some_topics();
    subscribe(*client, instance ? static_names_.try_emplace(place, names).first->second : names);
  }
  /// One that takes a static place wants what its predecessor wanted: the classic protocol lets it have that without a word to the leader.
  static void subscribe(Client& client, const std::vector<std::string>& names) {
    std::visit([&](auto& one) { one.subscribe(names, ""); }, client);
  }
  std::vector<std::string> some_topics() {
    std::vector<std::string> names;
    for (int topic = 0; topic < 4; ++topic) {
      if (chance(2)) names.push_back(topic_name(topic));
    }
    return names;
  }
  /// Another coordinator reads a log of which any part may have been compacted.
  void restart() {
    check_replay();
    const std::size_t records = world_.log.records().size();
    world_.fail_over(static_cast<std::size_t>(pick(static_cast<int>(records) + 1)), chance(2));
    for (std::optional<Client>& client : clients_) {
      auto* const classic = client ? std::get_if<ClassicConsumer>(&*client) : nullptr;
      if (classic != nullptr) classic->disconnect(world_);
    }
  }
  void calm() {
    clients_.back().reset();
    for (std::optional<Client>& client : clients_) {
      if (!client) continue;
      std::visit([&](auto& one) { one.take_time(std::chrono::milliseconds(pick(2000))); }, *client);
    }
  }

  // What must hold.

  void fail(const std::string& why) {
    const auto at = std::chrono::duration_cast<std::chrono::milliseconds>(world_.now).count();
    if (why_.empty()) why_ = why + " at " + std::to_string(at) + " ms";
  }

  [[nodiscard]] std::string type() const {
    const auto groups = world_.machine->list();
    return groups.empty() ? "none" : std::string(groups.front().type) + " " + std::string(groups.front().state);
  }
  [[nodiscard]] std::set<std::string> members() const {
    std::set<std::string> ids;
    if (const auto consumer = world_.machine->describe_consumer("g")) {
      for (const auto& member : consumer->members) ids.insert(member.id);
    } else if (const auto classic = world_.machine->describe_classic("g")) {
      for (const auto& member : classic->members) ids.insert(member.id);
    }
    return ids;
  }

  void check() {
    const bool is_consumer_group = world_.machine->describe_consumer("g").has_value();
    changes_ += is_consumer_group != was_consumer_group_ ? 1 : 0;
    was_consumer_group_ = is_consumer_group;
    check_possession();
    check_way_back();
    if (chance(6)) check_commits();
    if (chance(64)) check_replay();
  }

  /// Who is fenced counts no more, whatever it believes.
  void check_possession() {
    const std::set<std::string> members = this->members();
    std::map<TopicPartition, std::string> owners;
    for (const std::optional<Client>& client : clients_) {
      if (!client || !members.contains(id_of(*client))) continue;
      for (const TopicPartition& one : has(*client)) {
        const auto [at, is_new] = owners.try_emplace(one, id_of(*client));
        if (!is_new) fail(at->second + " and " + id_of(*client) + " have the same partition of a " + type() + " group");
      }
    }
    owned_ = owners.size();
  }

  /// Members whose own assignor goes on from what they say they own name one generation: there are assignors that believe the latest only.
  void check_way_back() {
    for (; batches_seen_ < world_.log.batches.size(); ++batches_seen_) {
      const std::vector<GroupRecord>& batch = world_.log.batches[batches_seen_];
      const auto* const left = batch.size() < 2 ? nullptr : std::get_if<ConsumerGroupRecord>(&batch[batch.size() - 2]);
      const auto* const classic = std::get_if<ClassicGroupRecord>(&batch.back());
      if (left == nullptr || left->value || classic == nullptr || !classic->value) continue;
      for (const ClassicGroupRecord::Member& member : classic->value->members) {
        if (world_.synced[member.id] == classic->value->generation) continue;
        fail(member.id + " goes back with generation " + std::to_string(world_.synced[member.id]) + " into " +
             std::to_string(classic->value->generation));
      }
    }
  }

  void check_commits() {
    for (const auto& [id, epoch] : spoken_) {
      const auto told = world_.told.find(id);
      if (epoch < 1 || told == world_.told.end() || epoch >= told->second) continue;
      CommitCall call{.group = "g", .generation_or_epoch = epoch, .member_id = id, .instance_id = {}, .topics = {}};
      call.topics = {world_.topic_at("t0", 0, 1)};
      if (world_.commit(call).partitions.at(0) == ErrorCode::none) fail(id + " commits in generation " + std::to_string(epoch));
    }
  }

  [[nodiscard]] static std::string told(const GroupMachine& machine) {
    std::string text;
    if (const auto consumer = machine.describe_consumer("g")) {
      text = "consumer " + std::to_string(consumer->epoch) + " " + std::to_string(consumer->assignment_epoch);
      for (const auto& one : consumer->members) {
        text += " " + one.id + (one.is_classic ? " classic " : " ") + std::to_string(one.epoch) + " " +
                std::to_string(one.assigned.size()) + " " + std::to_string(one.target.size());
        for (const auto& [id, indexes] : one.assigned) text += ":" + std::to_string(indexes.size());
      }
    } else if (const auto classic = machine.describe_classic("g")) {
      text = "classic " + std::string(classic->state);
      for (const auto& one : classic->members) text += " " + one.id + " " + std::to_string(one.assignment.size());
    }
    return text;
  }
  void check_replay() {
    const auto classic = world_.machine->describe_classic("g");
    const std::vector<GroupRecord> log = world_.log.records();
    if (log.empty() || (classic && classic->state != "Stable" && classic->state != "Empty")) return;
    const std::string live = told(*world_.machine);
    if (told(*MixedWorld::replayed(log)) != live) fail("replay differs: " + told(*MixedWorld::replayed(log)) + ", not " + live);
    if (told(*MixedWorld::replayed(compacted(log, log.size(), true))) != live) fail("compacted replay differs");
  }

  [[nodiscard]] static bool wants(const Client& client, const std::string& topic) {
    if (const auto* classic = std::get_if<ClassicConsumer>(&client)) return classic->wants(topic);
    const std::vector<std::string>& names = std::get<ConsumerClient>(client).names();
    return std::ranges::find(names, topic) != names.end();
  }
  /// Everybody has what it shall have; together it is all that anybody wants, and nobody has what it does not want.
  void check_arrived() {
    std::set<TopicPartition> wanted;
    std::size_t alive = 0;
    std::size_t classic = 0;
    for (const std::optional<Client>& client : clients_) {
      if (!client) continue;
      ++alive;
      classic += std::holds_alternative<ClassicConsumer>(*client) ? 1 : 0;
      if (!std::visit([](const auto& one) { return one.is_settled(); }, *client)) fail(id_of(*client) + " has not arrived");
      for (const TopicPartition& one : has(*client)) {
        if (!wants(*client, world_.topics.name_of(one.topic_id))) fail(id_of(*client) + " has what it does not want");
      }
      for (const TopicFacts& topic : world_.topics.all()) {
        for (std::int32_t at = 0; wants(*client, std::string(topic.name)) && at < topic.partitions; ++at) wanted.insert({topic.id, {at}});
      }
    }
    if (members().size() != alive) fail("the group has other members than are alive");
    if (alive > 0 && !type().ends_with("Stable")) fail("the group is " + type());
    if (owned_ != wanted.size()) fail("not every partition that is wanted is somebody's");
    const bool is_classic = type().starts_with("classic");
    const bool goes_back = world_.settings.migration_policy == MigrationPolicy::bidirectional;
    if (alive > classic && is_classic) fail("the group is " + type() + " with members of the other protocol");
    if (alive > 0 && alive == classic && goes_back && !is_classic) fail("the group is " + type() + " with members of the classic protocol");
    check_replay();
  }

  std::mt19937 random_;
  MixedWorld world_;
  ClassicConsumer::Kind kind_{};
  std::vector<std::optional<Client>> clients_ = std::vector<std::optional<Client>>(kPlaces + 1);  ///< The last: who lingers.
  std::map<std::string, std::vector<std::string>> static_names_;                                  ///< By place.
  std::set<std::pair<std::string, std::int32_t>> spoken_;
  std::size_t owned_ = 0;
  int started_ = 0;
  int trouble_ = 1;
  int changes_ = 0;
  bool was_consumer_group_ = false;
  std::size_t batches_seen_ = 0;
  std::string why_;
};

TEST(MixedGroupAtRandom, KeepsItsPromises) {
  constexpr unsigned kSeeds = 2000;
  const char* only = std::getenv("TIDELOG_SEED");
  const unsigned first = only != nullptr ? static_cast<unsigned>(std::stoul(only)) : 0;
  const unsigned last = only != nullptr ? first + 1 : kSeeds;
  int changes = 0;

  for (unsigned seed = first; seed < last; ++seed) {
    MixedUpheaval run(seed);
    ASSERT_TRUE(run.survives()) << run.why() << ", seed " << seed;
    changes += run.changes();
  }

  if (only == nullptr) EXPECT_GT(changes, static_cast<int>(kSeeds));
}

}  // namespace
}  // namespace tidelog::broker
