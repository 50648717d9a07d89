#pragma once

#include "tests/unit/broker/group/classic_world.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// Runs commands against one classic group and says everything that comes of them, one line each. CLIENT is any name; it remembers the id
/// and the generation that it was told last, and speaks with them unless the command says otherwise. New ids are CLIENT-1, CLIENT-2 ...
///
///   set KEY=VALUE...                  delay, min-session, max-session (ms), max-size; a client's defaults: session, rebalance (ms)
///   join CLIENT [OPTION...]           static=NAME session=MS rebalance=MS type=TYPE protocols=NAME[:METADATA],... reason=WORDS id=ID v3 v9
///   sync CLIENT [OPTION...]           to=ID:ASSIGNMENT,... static=NAME id=ID generation=N type=TYPE protocol=NAME
///   heartbeat CLIENT [OPTION...]      static=NAME id=ID generation=N
///   commit CLIENT [OPTION...]         the same, and: transactional
///   leave MEMBER...                   CLIENT[:REASON], static=NAME, CLIENT/NAME (with its instance id), or @ID for CLIENT
///   wait MS                           time passes; every line says how much of it had
///   refuse ERROR                      the log refuses the next append
///   restart                           another coordinator replays the records
///   abandon ERROR                     no coordinator any more
///   show                              what DescribeGroups would tell
///   history                           the last events
///   subscribed TOPIC...               which of these a member subscribes to
class ClassicScript {
 public:
  std::vector<std::string> run(std::string_view command);

 private:
  struct Client {
    std::string id;
    std::int32_t generation = -1;
    int ids = 0;
  };
  struct Asked {
    std::string client;
    std::string what;
  };
  struct Words {
    std::string first;
    std::vector<std::string> rest;
    std::map<std::string, std::string> options;
  };

  static Words parse(std::string_view command);
  void set(const Words& words);
  void join(const Words& words);
  void sync(const Words& words);
  void heartbeat(const Words& words);
  void commit(const Words& words);
  void leave(const Words& words);
  void wait(std::chrono::milliseconds time);
  void restart();
  void show();
  void show_history();
  void show_subscribed(const Words& words);

  void say(const std::string& line) { out_.push_back(line); }
  void say_all(const std::string& when = {});
  void say_answer(const std::string& who, const JoinAnswer& answer);
  void say_answer(const std::string& who, const SyncAnswer& answer);
  std::string id_of(const Words& words);
  std::int32_t generation_of(const Words& words);

  ClassicWorld world_;
  std::chrono::milliseconds session_{10000};
  std::chrono::milliseconds rebalance_{20000};
  std::map<std::string, Client> clients_;
  std::map<Ticket, Asked> asked_;
  Ticket next_ticket_ = 1;
  std::size_t records_said_ = 0;
  std::vector<std::string> out_;
};

}  // namespace tidelog::broker
