#pragma once

#include "broker/metadata/machine.h"

#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// Runs commands against a metadata machine and says everything that comes of them, one line each. Ids are drawn in order: #1, #2 ...
///
///   register NODE [unclean]                        a new process of the node registers
///   create [validate-only] [first=N] TOPIC...      TOPIC: NAME[:PARTITIONS[:FACTOR]] or NAME=0:1,2/1:2,1 (replicas by partition)
///   grow [validate-only] [first=N] TOPIC...        TOPIC: NAME:COUNT, with replicas NAME:COUNT=1,2/2,1 (a list for each new partition)
///   delete NAME | #ID ...
///   alter [replace] [validate-only] RESOURCE CHANGE... [/ RESOURCE CHANGE...]   asked of broker 1
///       RESOURCE: topic:NAME broker:ID broker: group:NAME metrics:NAME or a number for the type; CHANGE: KEY=VALUE KEY+=VALUE KEY-=VALUE
///       KEY! (delete) KEY? (no value) KEY@N=VALUE (operation N). Keys that begin with "list" are lists and start as "old"; a value "bad"
///       is refused
///   configs RESOURCE                               what it has
///   quota [validate-only] ENTITY KEY=VALUE...       ENTITY: KIND[:NAME][,KIND[:NAME]]; no VALUE takes the key back
///   limit USER CLIENT-ID KEY                       which limit holds for that client, and who shares it
///   producer-ids NODE
///   show                                           the topics, as lookups would find them
///   restart                                        replays all records into a new machine, which must be equal
///   replay-snapshot                                the same with a snapshot's records
class MetadataScript {
 public:
  std::vector<std::string> run(std::string_view command);

 private:
  using Words = std::vector<std::string>;

  void register_node(const Words& words);
  void create(const Words& words);
  void grow(const Words& words);
  void remove(const Words& words);
  void alter(const Words& words);
  void show_configs(const Words& words);
  void alter_quota(Words words);
  void find_limit(const Words& words);
  void allocate(const Words& words);
  void show();
  void restart();
  void replay_snapshot();

  NewTopic parse_topic(std::string word);
  void say(const std::string& line) { out_.push_back(line); }
  void say_verdict(const TopicVerdict& verdict);
  void apply(const std::vector<MetadataRecord>& records);

  MetadataMachine machine_;
  std::vector<MetadataRecord> log_;
  std::vector<std::string> out_;
  int next_id_ = 1;
  int next_incarnation_ = 1;
};

}  // namespace tidelog::broker
