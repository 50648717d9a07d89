#pragma once

#include "broker/handlers/handler.h"
#include "broker/metadata/machine.h"

#include <vector>

namespace tidelog::broker {

/// Has the controller make topics, on its shard, and returns once they can be used on every shard. Ids and placement are drawn here.
asio::awaitable<std::vector<TopicVerdict>> create_topics(HandlerContext context, std::vector<NewTopic> topics, bool validate_only);
/// How many partitions were made, which is what a quota counts.
double partitions_of(const std::vector<TopicVerdict>& verdicts);
/// Has the controller add partitions to topics; returns once they can be used on every shard.
asio::awaitable<std::vector<TopicVerdict>> create_partitions(HandlerContext context, std::vector<MorePartitions> topics,
                                                             bool validate_only);
/// Has the controller delete topics; returns once no shard finds them any more.
asio::awaitable<std::vector<TopicVerdict>> delete_topics(HandlerContext context, std::vector<TopicSelector> topics);

}  // namespace tidelog::broker
