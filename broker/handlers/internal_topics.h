#pragma once

#include "broker/handlers/handler.h"
#include "broker/metadata/machine.h"

#include <string_view>

namespace tidelog::broker {

/// A topic that comes to be because a client named it. The offsets topic takes its shape from the `offsets.topic.*` options whoever names
/// it first; its replicas shrink to the brokers there are. Any other has the defaults.
NewTopic automatic_topic(const HandlerContext& context, std::string_view name);

/// Makes `__consumer_offsets` unless it is there. Whoever looks for the coordinator of a group makes it be, as with Apache Kafka: clients
/// that leave internal topics alone, and tools that read this one, then find it. A failure is logged, and the next who asks tries
/// again. No quota is asked: it is one topic, whose shape no client chooses, and it comes to be again only after somebody deleted it, which
/// a quota counts. A client's first group would else wait for the window because the broker lacked a topic.
asio::awaitable<void> ensure_offsets_topic(HandlerContext context);

}  // namespace tidelog::broker
