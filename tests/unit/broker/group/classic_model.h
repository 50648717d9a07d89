#pragma once

#include "tests/unit/broker/group/classic_world.h"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tidelog::broker {

/// Clients of one classic group on a virtual clock. While it is rough they lose answers, die, leave, come back, change their minds, commit
/// at the wrong time, and the coordinator refuses to store or is replaced by one that replays. Then it is calm, and those who live must
/// come together. What must never happen is written down in `problems`.
class ClassicModel {
 public:
  explicit ClassicModel(std::uint64_t seed);

  void run();
  [[nodiscard]] const std::vector<std::string>& problems() const { return problems_; }

  /// How often things happened, over all runs: a test that never sees a rebalance proves nothing.
  struct Seen {
    std::uint64_t generations = 0;
    std::uint64_t commits = 0;
    std::uint64_t refused_commits = 0;
    std::uint64_t takeovers = 0;
    std::uint64_t restarts = 0;
    std::uint64_t refusals = 0;
    std::uint64_t timeouts = 0;
  };
  [[nodiscard]] const Seen& seen() const { return seen_; }

 private:
  enum class Doing { joins, waits_to_join, syncs, waits_to_sync, works, is_away, is_dead };

  struct Client {
    std::size_t number = 0;
    std::optional<std::string> instance_id;
    bool knows_version_4 = true;
    Doing doing = Doing::joins;
    std::string id;
    std::int32_t generation = -1;
    std::string old_id;  ///< With which it worked in the generation before.
    std::int32_t old_generation = -1;
    int metadata = 0;
    bool skips_assignment = false;
    std::vector<JoinAnswer::Member> to_assign;
    std::set<int> owned;
    Moment next_at{};
    Ticket ticket = 0;
    bool is_replaced = false;  ///< Another one has its instance id, and this coordinator knows.
  };

  // what clients do
  void act(Client& client);
  void join(Client& client);
  void sync(Client& client);
  void work(Client& client);
  void commit(const Client& client, const std::string& id, std::int32_t generation);
  void leave(Client& client);
  void be_rough_to(Client& client);
  void start_twin(Client& client);
  void begin_anew(Client& client, bool with_its_id);

  // what they are told
  void take(Client& client, const JoinAnswer& answer);
  void take(Client& client, const SyncAnswer& answer);
  void deliver_late();
  void on_error(Client& client, ErrorCode error);

  // what must hold
  void check_step();
  void check_owner(const Client& client);
  void check_calm();
  void problem(const std::string& what);

  void restart();
  void advance_to(Moment until);
  Step step();
  void after_step();
  [[nodiscard]] bool chance(int percent);
  [[nodiscard]] Moment soon(int most_ms);

  static constexpr int kPartitions = 7;

  std::uint64_t seed_;
  std::mt19937_64 random_;
  ClassicWorld world_;
  bool is_rough_ = true;
  std::chrono::milliseconds session_;
  std::chrono::milliseconds rebalance_;
  std::vector<Client> clients_;
  std::map<Ticket, std::size_t> waiting_;  ///< Tickets without an answer, and whose they are.
  Ticket next_ticket_ = 1;
  std::uint64_t next_id_ = 1;
  std::int32_t newest_told_ = 0;                                ///< Of the generations this coordinator let anybody know.
  std::map<std::pair<std::int32_t, int>, std::string> owners_;  ///< By generation and partition.
  std::map<std::string, Moment> heard_of_;                      ///< When each id last said something that counts.
  std::set<std::string> gone_;                                  ///< Ids that left.
  std::vector<std::string> problems_;
  Seen seen_;
};

}  // namespace tidelog::broker
