#include "client/admin/damage.h"

#include "proto/messages/describe_producers_request.h"
#include "proto/messages/describe_producers_response.h"

#include <algorithm>
#include <map>

namespace tidelog::core {
namespace {

using Message = proto::DescribeProducersRequest;

struct Asked {
  const std::string& topic;
  const std::vector<std::int32_t>& partitions;
  TimePoint deadline;
};

/// Brokers of ours say it in the message beside the producers of a partition, with an error only if nothing of it is served.
void ask_leader(ClientCore& core, std::int32_t leader, const Asked& what, std::map<std::int32_t, std::string>& said) {
  Message::TopicRequest asked;
  asked.name = what.topic;
  asked.partition_indexes = std::span<const std::int32_t>(what.partitions);
  Message message;
  message.topics = std::span<const Message::TopicRequest>(&asked, 1);
  const auto reply = core.call<proto::DescribeProducersResponse>(Target::node(leader), message, what.deadline);
  if (!reply) return;  // Other brokers may not have this request; nobody is told less than before.
  for (const auto& answered : reply->message.topics) {
    for (const auto& partition : answered.partitions) {
      if (!proto::is_null(partition.error_message)) said[partition.partition_index] = std::string(partition.error_message);
    }
  }
}

}  // namespace

std::vector<std::string> look_up_damage(ClientCore& core, const std::string& topic, const std::vector<std::int32_t>& partitions,
                                        TimePoint deadline) {
  const std::shared_ptr<const Metadata> metadata = core.cluster().metadata();
  std::map<std::int32_t, std::vector<std::int32_t>> by_leader;
  for (const std::int32_t partition : partitions) {
    const std::int32_t leader = metadata->leader_of(topic, partition);
    if (leader >= 0) by_leader[leader].push_back(partition);
  }
  std::map<std::int32_t, std::string> said;
  for (const auto& [leader, asked] : by_leader) ask_leader(core, leader, {.topic = topic, .partitions = asked, .deadline = deadline}, said);
  std::vector<std::string> damage;
  for (const std::int32_t partition : partitions) damage.push_back(said[partition]);
  return damage;
}

}  // namespace tidelog::core
