#pragma once

#include "tests/sim/history.h"
#include "tests/sim/kafka_connection.h"

namespace tidelog::sim {

/// What all simulated clients of a run share.
struct ClientWorld {
  World& world;
  SimNetwork& network;
  broker::Endpoint broker;
  std::string topic;
  int partitions;
  History& history;
  Uuid topic_id{};  ///< Known once the topic was made.
  bool is_topic_ready = false;
  bool should_stop = false;  ///< Consumers leave.
};

/// A connection to the broker, or null after a short rest.
asio::awaitable<std::unique_ptr<KafkaConnection>> connect_or_rest(ClientWorld& clients, SimLoop& loop, Dice& dice);

/// Makes the topic, however often the broker dies meanwhile, and learns its id.
asio::awaitable<void> make_topic(ClientWorld& clients, SimLoop& loop, Dice dice);

}  // namespace tidelog::sim
