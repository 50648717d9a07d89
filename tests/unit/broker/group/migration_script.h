#pragma once

#include "tests/unit/broker/group/machine_world.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// Runs commands against a group machine with one group, which members of both protocols share, and says everything that comes of them. A
/// CLIENT is any name. One that joins speaks the classic protocol, under the ids CLIENT-1, CLIENT-2 ...; one that enters speaks the
/// consumer protocol, and its name is its id. It remembers what it was told last, and speaks with that unless the command says otherwise.
///
///   topic NAME=PARTITIONS...        creates topics, or adds partitions
///   set KEY=VALUE...                policy, max-size, consumer-max-size, delay (ms)
///   join CLIENT [OPTION...]         topics=a,b (as before) owned=t:0,1 (or all: what it was told; else none) protocols=a,b static=NAME
///   id=ID
///                                   session=MS rebalance=MS type=TYPE unreadable v3 v0 (of the subscription)
///   sync CLIENT [OPTION...]         to=CLIENT->t:0,1;CLIENT->... static=NAME generation=N
///   heartbeat CLIENT [generation=N] [static=NAME]
///   part CLIENT... | static=NAME    LeaveGroup
///   enter CLIENT [OPTION...]        topics=a,b static=NAME regex=R
///   beat CLIENT [OPTION...]         owned=all or t:0,1
///   exit CLIENT [static=NAME] [epoch=N]
///   commit CLIENT PARTITION [epoch=N] [v8]
///   wait MS                         time passes, and what becomes due happens
///   refuse CODE | accept            the log refuses what it is given from here on
///   restart [compacted]             another coordinator replays the records
///   show                            what the tools would tell
///   history                         the last events
///
/// Each batch is one line "append", and a line for each record in it. After each command a machine that replays the log, compacted or not,
/// must have the same group; else it says so.
class MigrationScript {
 public:
  MigrationScript();
  std::vector<std::string> run(std::string_view command);

 private:
  struct Client {
    std::string id;
    int ids = 0;
    std::int32_t epoch = -1;
    std::vector<std::string> topics;
    PartitionsById has;
  };
  struct Words {
    std::string first;
    std::vector<std::string> rest;
    std::map<std::string, std::string> options;
  };

  void set_topics(const Words& words);
  void set(const Words& words);
  void join(const Words& words);
  void sync(const Words& words);
  void heartbeat(const Words& words);
  void part(const Words& words);
  void enter(const Words& words);
  void beat(const Words& words);
  void exit(const Words& words);
  void commit(const Words& words);
  void wait(std::chrono::milliseconds time);
  void restart(bool is_compacted);
  void show();
  void show_history();

  void call(const std::string& who, const ConsumerHeartbeatCall& call);
  void say(const std::string& line) { out_.push_back(line); }
  void say_all(const std::string& when = {});
  void say_answer(const std::string& who, const JoinAnswer& answer);
  void say_answer(const std::string& who, const SyncAnswer& answer);
  void check();
  [[nodiscard]] std::vector<std::string> told(const GroupMachine& machine) const;
  [[nodiscard]] PartitionsById parse(const std::string& partitions) const;
  [[nodiscard]] std::string text(const PartitionsById& partitions) const;
  [[nodiscard]] OwnedBytes subscription(const Client& client, const Words& words) const;

  MachineWorld world_;
  std::map<std::string, Client> clients_;
  std::map<Ticket, std::string> asked_;
  Ticket next_ticket_ = 1;
  std::size_t batches_said_ = 0;
  std::vector<std::string> out_;
};

}  // namespace tidelog::broker
