#pragma once

#include "broker/handlers/free_list.h"
#include "broker/net/connection.h"
#include "broker/partition/services.h"
#include "proto/messages/produce_response.h"

#include <memory>
#include <vector>

namespace tidelog::broker {

/// Serves Produce (https://kafka.apache.org/protocol: key 0, versions 3 to 13) for the connections of one shard.
/// Thread: its loop. Life: outlives its connections.
class ProduceHandler {
 public:
  ProduceHandler(const Node& node, ShardServices& here);
  ProduceHandler(const ProduceHandler&) = delete;
  ProduceHandler& operator=(const ProduceHandler&) = delete;

  /// Decodes and hands every part to its owner; nothing suspends in between (R7). See `RequestHandler::produce`.
  RequestHandler::Started start(Connection& connection, Request& request, std::unique_ptr<PendingResponse>& response);
  /// The same once there is memory for it. Null: there was none, or it cannot be read or served.
  asio::awaitable<std::unique_ptr<PendingResponse>> start_later(Connection& connection, Request request);

 private:
  friend class ProduceCall;

  /// Null if there is no such topic; valid while `here_.image` is.
  const TopicImage* find_topic(bool by_id, std::string_view name, const Uuid& id);

  const Node& node_;
  ShardServices& here_;
  FreeList call_memory_;
  // The topic asked for last, which is likely to be asked for next, and the image it was found in.
  std::shared_ptr<const Image> last_image_;
  const TopicImage* last_topic_ = nullptr;
  // Where answers are laid out before they are encoded; kept, so that a request allocates nothing for it.
  std::vector<proto::ProduceResponse::TopicProduceResponse> topics_;
  std::vector<proto::ProduceResponse::PartitionProduceResponse> partitions_;
  std::vector<proto::ProduceResponse::BatchIndexAndErrorMessage> record_errors_;
};

}  // namespace tidelog::broker
