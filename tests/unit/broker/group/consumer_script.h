#pragma once

#include "tests/unit/broker/group/consumer_world.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// Runs commands against one consumer group and says everything that comes of them, one line each. CLIENT is any name, and its member id
/// unless the command says another; it remembers the epoch and the assignment that it was told last, and speaks with that epoch.
///
///   topic NAME=PARTITIONS...          creates topics or adds partitions; PARTITIONS "none" deletes
///   set KEY=VALUE...                  max-size, session, interval, assignment-interval (ms), assignors (a,b)
///   join CLIENT [OPTION...]           a heartbeat with epoch=0 timeout=60000 owned=none
///   beat CLIENT [OPTION...]           epoch=N topics=a,b regex=R timeout=MS owned=t:0,1/u:2 (or none, or all: what it was told last)
///                                     static=NAME rack=R assignor=A id=ID fresh=ID host=H v0; VALUE "empty" is an empty text
///   leave CLIENT [OPTION...]          a heartbeat with epoch=-1
///   commit CLIENT [epoch=N] [PARTITION...]   may it commit with this epoch; for this partition (t:0)
///   fetch CLIENT [epoch=N]            may it ask for its offsets
///   wait MS                           time passes, and what becomes due happens
///   refuse [CODE] [after=N] [times=N] the log refuses appends
///   restart [compacted]               another coordinator replays the records
///   show                              what ConsumerGroupDescribe would tell
///   history                           the last events
///   subscribed TOPIC...               which of these somebody subscribes to
///   forget                            the group's tombstones are applied
///
/// After each command, a group that replays the records must be equal to this one, and all invariants must hold; else it says so.
class ConsumerScript {
 public:
  std::vector<std::string> run(std::string_view command);

 private:
  struct Client {
    std::int32_t epoch = 0;
    PartitionsById assigned;
  };
  using Words = std::vector<std::string>;

  void set_topics(const Words& words);
  void change_settings(const Words& words);
  void beat(const Words& words, ConsumerHeartbeatCall call);
  void commit(const Words& words);
  void fetch(const Words& words);
  void refuse(const Words& words);
  void restart(const Words& words);
  void show();
  void tell_history();
  void subscribed(const Words& words);
  void forget();

  void set_option(const std::string& word, const Client& client, ConsumerHeartbeatCall& call) const;
  void say(const std::string& line) { out_.push_back(line); }
  void say_records();
  void check();
  [[nodiscard]] PartitionsById parse_partitions(const std::string& text) const;

  ConsumerWorld world_;
  std::map<std::string, Client> clients_;
  std::size_t said_records_ = 0;
  std::vector<std::string> out_;
};

}  // namespace tidelog::broker
