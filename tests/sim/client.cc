#include "tests/sim/client.h"

#include "proto/error_code.h"
#include "proto/messages/api_versions_request.h"
#include "proto/messages/api_versions_response.h"
#include "proto/messages/create_topics_request.h"
#include "proto/messages/create_topics_response.h"
#include "proto/messages/metadata_request.h"
#include "proto/messages/metadata_response.h"

namespace tidelog::sim {
namespace {

using proto::CreateTopicsRequest;
using proto::CreateTopicsResponse;
using proto::MetadataRequest;
using proto::MetadataResponse;

constexpr std::int16_t kMetadataVersion = 12;

asio::awaitable<bool> greet(KafkaConnection& connection, Dice& dice) {
  proto::ApiVersionsRequest request;
  request.client_software_name = "sim";
  request.client_software_version = "1";
  proto::ApiVersionsResponse response;
  const auto version = static_cast<std::int16_t>(dice.below(5));
  if (!co_await connection.call(request, version, response)) co_return false;
  co_return response.error_code == 0 && !response.api_keys.empty();
}

/// True: the broker says the topic is there.
asio::awaitable<bool> create(ClientWorld& clients, KafkaConnection& connection, Dice& dice) {
  const std::vector<CreateTopicsRequest::CreatableTopic> topics{
      {.name = clients.topic, .num_partitions = clients.partitions, .replication_factor = 1}};
  CreateTopicsRequest request;
  request.topics = topics;
  CreateTopicsResponse response;
  const auto version = static_cast<std::int16_t>(dice.between(2, 7));
  if (!co_await connection.call(request, version, response)) co_return false;
  for (const CreateTopicsResponse::CreatableTopicResult& topic : response.topics) {
    const auto error = static_cast<ErrorCode>(topic.error_code);
    if (error == ErrorCode::none || error == ErrorCode::topic_already_exists) co_return true;
    clients.world.say([&] { return "create topic: " + std::string(name(error)); });
  }
  co_return false;
}

asio::awaitable<bool> learn_id(ClientWorld& clients, KafkaConnection& connection) {
  const std::vector<MetadataRequest::MetadataRequestTopic> topics{{.name = clients.topic}};
  MetadataRequest request;
  request.topics = topics;
  request.allow_auto_topic_creation = false;
  MetadataResponse response;
  if (!co_await connection.call(request, kMetadataVersion, response)) co_return false;
  for (const MetadataResponse::MetadataResponseTopic& topic : response.topics) {
    if (topic.error_code != 0) {
      clients.history.violations.push_back("a topic that was made is answered with " +
                                           std::string(name(static_cast<ErrorCode>(topic.error_code))));
      co_return false;
    }
    clients.topic_id = topic.topic_id;
  }
  co_return !clients.topic_id.is_zero();
}

}  // namespace

asio::awaitable<std::unique_ptr<KafkaConnection>> connect_or_rest(ClientWorld& clients, SimLoop& loop, Dice& dice) {
  Result<std::unique_ptr<broker::Stream>> stream = co_await clients.network.connect(clients.broker, loop);
  if (stream) {
    auto connection = std::make_unique<KafkaConnection>(loop, std::move(*stream));
    // Half of the clients say nothing about themselves first, as some real ones do.
    if (dice.chance(500) || co_await greet(*connection, dice)) co_return connection;
  }
  co_await loop.sleep(std::chrono::milliseconds(dice.between(5, 100)));
  co_return nullptr;
}

asio::awaitable<void> make_topic(ClientWorld& clients, SimLoop& loop, Dice dice) {
  while (true) {
    const std::unique_ptr<KafkaConnection> connection = co_await connect_or_rest(clients, loop, dice);
    if (connection == nullptr) continue;
    const bool is_made = co_await create(clients, *connection, dice);
    if (is_made && co_await learn_id(clients, *connection)) break;
    co_await loop.sleep(std::chrono::milliseconds(20));
  }
  clients.world.say([&] { return "the topic is made"; });
  clients.is_topic_ready = true;
}

}  // namespace tidelog::sim
