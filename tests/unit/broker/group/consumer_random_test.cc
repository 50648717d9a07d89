#include "tests/unit/broker/group/consumer_client.h"
#include "tests/unit/broker/group/consumer_world.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

// Consumers that lose answers, sleep, die, leave, come back and change their minds, topics that come, grow and go, a log that refuses and
// coordinators that change: whatever happens, a partition is one's at a time, an epoch that is over commits nothing that is another's, what
// is stored is what is so, and once it is quiet everybody arrives.

namespace tidelog::broker {
namespace {

using Fate = ConsumerClient::Fate;

constexpr std::chrono::milliseconds kSession{8000};
constexpr std::chrono::milliseconds kTrouble{25'000};
constexpr std::chrono::milliseconds kQuiet{40'000};  ///< A session and two rebalance timeouts, and some heartbeats.
constexpr int kPlaces = 5;

class Upheaval {
 public:
  explicit Upheaval(unsigned seed) : random_(seed) {
    world_.settings.consumer_session_timeout = kSession;
    world_.settings.consumer_assignment_interval = std::chrono::milliseconds(chance(3) ? 1000 : 0);
    world_.settings.consumer_max_size = chance(4) ? kPlaces - 1 : 100;
    for (int topic = 0; topic < 3; ++topic) world_.topics.set(topic_name(topic), 1 + pick(4));
    trouble_ = 1 + pick(12);
  }

  /// False: something that must hold did not; `why` says what.
  bool survives() {
    while (why_.empty() && world_.now < kTrouble) {
      if (chance(40 / trouble_)) disturb();
      turn(true);
    }
    calm();
    const Moment until = world_.now + kQuiet;
    while (why_.empty() && world_.now < until) turn(false);
    if (why_.empty()) check_arrived();
    if (why_.empty()) check_nothing_more_is_stored();
    return why_.empty();
  }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }
  bool chance(int one_in) { return pick(std::max(one_in, 1)) == 0; }
  static std::string topic_name(int topic) { return "t" + std::to_string(topic); }

  Fate fate() {
    if (!chance(12)) return Fate::heard;
    return chance(2) ? Fate::request_lost : Fate::answer_lost;
  }

  /// The next thing that is due.
  void turn(bool is_troubled) {
    std::optional<ConsumerClient>* next = nullptr;
    for (std::optional<ConsumerClient>& client : clients_) {
      if (client && (next == nullptr || client->next_beat() < (*next)->next_beat())) next = &client;
    }
    const Moment soon = world_.now + std::chrono::milliseconds(250);
    if (next == nullptr || (*next)->next_beat() > soon) return world_.advance(soon);
    world_.advance(std::max(world_.now, (*next)->next_beat()));
    remember(**next);
    if (is_troubled && chance(2)) (*next)->take_time(std::chrono::milliseconds(chance(8) ? 9000 : pick(3000)));
    (*next)->beat(world_, is_troubled ? fate() : Fate::heard);
    if ((*next)->is_done()) next->reset();
    check();
  }

  void disturb() {
    std::optional<ConsumerClient>& client = clients_[static_cast<std::size_t>(pick(kPlaces))];
    switch (pick(10)) {
      case 0:
      case 1:
      case 2: return client ? change_mind(*client) : start(client);
      case 3: return client ? client->sleep_until(world_.now + std::chrono::milliseconds(pick(12'000))) : start(client);
      case 4: return client && chance(3) ? linger(client) : client.reset();
      case 5:
        if (client) client->leave(world_, fate(), chance(2) && is_static(client));
        return client.reset();
      case 6: return world_.topics.set(topic_name(pick(4)), 1 + pick(6));
      case 7: return chance(4) ? world_.topics.drop(topic_name(pick(4))) : world_.topics.touch();
      case 8: return refuse();
      default: return restart();
    }
  }

  /// It does not die, but something that believes it did starts another in its place.
  void linger(std::optional<ConsumerClient>& client) {
    client->sleep_until(world_.now + std::chrono::milliseconds(pick(5000)));
    clients_.back() = std::exchange(client, std::nullopt);
    start(client);
  }

  [[nodiscard]] bool is_static(const std::optional<ConsumerClient>& client) const { return (&client - clients_.data()) % 2 == 1; }
  void start(std::optional<ConsumerClient>& client) {
    const auto place = std::to_string(&client - clients_.data());
    client.emplace("m" + place + "-" + std::to_string(++started_), is_static(client) ? std::optional("i" + place) : std::nullopt);
    client->sleep_until(world_.now);
    change_mind(*client);
  }
  void change_mind(ConsumerClient& client) {
    std::vector<std::string> names;
    for (int topic = 0; topic < 4; ++topic) {
      if (chance(2)) names.push_back(topic_name(topic));
    }
    client.subscribe(names, chance(3) ? "t[" + std::to_string(pick(3)) + "-3]" : "");
  }
  void refuse() {
    world_.log.passed = pick(3);
    world_.log.refused = 1 + pick(3);
  }
  /// Another coordinator reads a log of which any part may have been compacted.
  void restart() {
    const std::vector<GroupRecord>& log = world_.log.records();
    const std::size_t clean = log.empty() ? 0 : static_cast<std::size_t>(pick(static_cast<int>(log.size()) + 1));
    const auto before = world_.group->snapshot();
    world_.restart(compacted(log, clean, chance(2)));
    if (world_.group->snapshot() != before) fail("what is replayed differs from what was live");
  }
  void calm() {
    world_.log.refused = 0;
    world_.settings.consumer_max_size = 100;
    clients_.back().reset();
    for (std::optional<ConsumerClient>& client : clients_) {
      if (!client) continue;
      client->take_time(std::chrono::milliseconds(pick(2000)));
      client->sleep_until(world_.now);
    }
  }

  // What must hold.

  void fail(const std::string& why) {
    if (why_.empty())
      why_ = why + " at " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(world_.now).count()) + " ms";
  }
  /// An epoch that somebody had.
  void remember(const ConsumerClient& client) { spoken_.insert({client.id(), client.epoch()}); }

  void check() {
    const ConsumerDescription told = world_.group->describe();
    std::map<std::string, std::int32_t> epochs;
    for (const ConsumerDescription::Member& member : told.members) epochs[member.id] = member.epoch;
    check_possession(epochs);
    check_commits(epochs);
    if (chance(8) && !world_.group->is_sound()) fail("an invariant is broken");
    if (chance(64) && ConsumerWorld::replayed(world_.log.records())->snapshot() != world_.group->snapshot()) fail("replay differs");
  }

  /// Who is fenced counts no more, whatever it believes.
  void check_possession(const std::map<std::string, std::int32_t>& members) {
    owners_.clear();
    for (const std::optional<ConsumerClient>& client : clients_) {
      if (!client || !members.contains(client->id())) continue;
      for (const TopicPartition& one : client->has()) {
        const auto [at, is_new] = owners_.try_emplace(one, &*client);
        if (!is_new) fail(at->second->id() + " and " + client->id() + " have the same partition");
      }
    }
  }

  void check_commits(const std::map<std::string, std::int32_t>& members) {
    Step step = world_.step();
    for (const auto& [partition, owner] : owners_) {
      const bool may_at_once = world_.group->may_commit(owner->id(), owner->epoch(), step) == ErrorCode::none;
      if (!may_at_once && world_.group->may_commit(owner->id(), owner->epoch(), partition) != ErrorCode::none) {
        fail(owner->id() + " may not commit what it has");
      }
    }
    if (!chance(6)) return;
    for (const auto& [id, epoch] : spoken_) {
      const auto member = members.find(id);
      if (member != members.end() && member->second == epoch) continue;
      if (epoch > 0 && world_.group->may_commit(id, epoch, step) == ErrorCode::none)
        fail(id + " commits with an epoch that is not its own");
      for (const auto& [partition, owner] : owners_) {
        const bool may = world_.group->may_commit(id, epoch, partition) == ErrorCode::none;
        if (may && owner->id() != id) fail(id + " commits with an epoch that is over what " + owner->id() + " has");
      }
    }
  }

  [[nodiscard]] bool wants(const ConsumerClient& client, const std::string& topic) const {
    if (std::ranges::find(client.names(), topic) != client.names().end()) return true;
    return !client.regex().empty() && topic[1] >= client.regex()[2] && topic[1] <= '3';
  }
  /// Everybody has what it shall have; together it is all that anybody wants, and nobody has what it does not want.
  void check_arrived() {
    std::set<TopicPartition> wanted;
    std::size_t alive = 0;
    for (const std::optional<ConsumerClient>& client : clients_) {
      if (!client) continue;
      ++alive;
      if (!client->is_settled()) fail(client->id() + " has not arrived");
      for (const TopicPartition& one : client->has()) {
        const std::optional<TopicFacts> facts = world_.topics.find(one.topic_id);
        if (!facts || !wants(*client, std::string(facts->name))) fail(client->id() + " has what it does not want");
      }
      for (const TopicFacts& topic : world_.topics.all()) {
        for (std::int32_t at = 0; wants(*client, std::string(topic.name)) && at < topic.partitions; ++at) wanted.insert({topic.id, {at}});
      }
    }
    if (world_.group->describe().members.size() != alive) fail("the group has other members than are alive");
    if (world_.group->state() != (alive == 0 ? "Empty" : "Stable")) fail("the group is " + std::string(world_.group->state()));
    if (owners_.size() != wanted.size() && alive > 0) fail("not every partition that is wanted is somebody's");
    if (!world_.group->is_sound()) fail("an invariant is broken in the end");
    const std::vector<GroupRecord>& log = world_.log.records();
    if (ConsumerWorld::replayed(compacted(log, log.size(), true))->snapshot() != world_.group->snapshot()) fail("compacted replay differs");
  }
  void check_nothing_more_is_stored() {
    const int appends = world_.log.appends;
    const Moment until = world_.now + std::chrono::milliseconds(10'000);
    while (why_.empty() && world_.now < until) turn(false);
    if (world_.log.appends != appends) fail("something was stored though nothing changed");
  }

  std::mt19937 random_;
  ConsumerWorld world_;
  std::vector<std::optional<ConsumerClient>> clients_ =
      std::vector<std::optional<ConsumerClient>>(kPlaces + 1);  ///< The last: who lingers.
  std::map<TopicPartition, const ConsumerClient*> owners_;
  std::set<std::pair<std::string, std::int32_t>> spoken_;
  int started_ = 0;
  int trouble_ = 1;
  std::string why_;
};

TEST(ConsumerGroupAtRandom, KeepsItsPromises) {
  constexpr unsigned kSeeds = 2000;
  const char* only = std::getenv("TIDELOG_SEED");
  const unsigned first = only != nullptr ? static_cast<unsigned>(std::stoul(only)) : 0;
  for (unsigned seed = first; seed < (only != nullptr ? first + 1 : kSeeds); ++seed) {
    Upheaval run(seed);
    ASSERT_TRUE(run.survives()) << run.why() << ", seed " << seed;
  }
}

}  // namespace
}  // namespace tidelog::broker
