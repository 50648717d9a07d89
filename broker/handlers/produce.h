#pragma once

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
  ProduceHandler(const Node& node, ShardServices& here) : node_(node), here_(here) {}

  /// Decodes and hands every part to its owner; nothing suspends in between (R7). Null: the request cannot be read or served.
  std::unique_ptr<PendingResponse> start(Connection& connection, Request request);

 private:
  friend class ProduceCall;

  const Node& node_;
  ShardServices& here_;
  // Where answers are laid out before they are encoded; kept, so that a request allocates nothing for it.
  std::vector<proto::ProduceResponse::TopicProduceResponse> topics_;
  std::vector<proto::ProduceResponse::PartitionProduceResponse> partitions_;
  std::vector<proto::ProduceResponse::BatchIndexAndErrorMessage> record_errors_;
};

}  // namespace tidelog::broker
