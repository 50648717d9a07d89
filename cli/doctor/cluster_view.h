#pragma once

#include "proto/messages/metadata_response.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tidelog::cli {

struct BrokerView {
  std::int32_t id = -1;
  std::string host;
  std::int32_t port = -1;
};

struct PartitionView {
  std::int32_t index = -1;
  std::int32_t leader = -1;
  std::int16_t error_code = 0;
  std::size_t replicas = 0;
  std::size_t in_sync = 0;
  std::size_t offline = 0;
};

struct TopicView {
  std::string name;
  std::int16_t error_code = 0;
  std::vector<PartitionView> partitions;
};

/// A cluster as one of its brokers describes it.
struct ClusterView {
  std::string id;
  std::int32_t controller = -1;
  std::vector<BrokerView> brokers;
  std::vector<TopicView> topics;
  std::map<std::string, std::size_t> min_in_sync;  ///< min.insync.replicas by topic, as far as it could be learnt.
};

ClusterView view_of(const proto::MetadataResponse& answer);

}  // namespace tidelog::cli
