#pragma once

#include "broker/config/describe.h"
#include "broker/handlers/handler.h"
#include "broker/metadata/machine.h"

#include <span>
#include <vector>

namespace tidelog::broker {

/// More resources, or more changes, than this in one request close the connection: what they cost is many times their bytes.
inline constexpr std::size_t kMostConfigItems = 100'000;

/// A broker's configs as they are now. Views: of the node, of `image`, and of the shard's options, which the next commit replaces.
BrokerLayers broker_layers(const HandlerContext& context, const Image& image);

/// Counts the limits that the resources of one request met, each once, and says who asked.
void note_config_limits(LimitLog& limits, SteadyTime now, const Endpoint& peer, std::span<const ConfigVerdict> verdicts);

/// Has the controller change configs, on its shard, and returns once they are in force on every shard; one verdict a resource, in order.
asio::awaitable<std::vector<ConfigVerdict>> alter_configs(HandlerContext context, std::vector<ResourceChange> resources, bool replaces,
                                                          bool validate_only);

}  // namespace tidelog::broker
