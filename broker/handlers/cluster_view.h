#pragma once

#include "broker/handlers/handler.h"
#include "proto/codec/array.h"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// A broker as clients see it.
struct ClusterMember {
  NodeId id;
  Endpoint address;
  std::string rack;
  /// Null on the wire if the broker has no rack.
  [[nodiscard]] std::string_view rack_or_null() const { return rack.empty() ? std::string_view() : std::string_view(rack); }
};

std::vector<ClusterMember> cluster_members(const HandlerContext& context);

/// Of all topics together.
std::size_t count_partitions(const Image& image);

/// A view: valid while `nodes` is.
inline proto::Array<std::int32_t> ids_of(const std::vector<NodeId>& nodes) {
  static_assert(sizeof(NodeId) == sizeof(std::int32_t));
  return std::span(reinterpret_cast<const std::int32_t*>(nodes.data()), nodes.size());
}

/// Who leads a partition now, which the image alone does not say: a leader whose log directory is offline leads nothing.
struct Leadership {
  NodeId leader;
  const std::vector<NodeId>* offline;  ///< Replicas nobody can reach. Lives as long as the broker.
};
Leadership leadership_of(const HandlerContext& context, const PartitionImage& partition);

// Everything is allowed while there is no authorizer. One bit per operation, by its number (KIP-430).
/// Create 5, ClusterAction 9, DescribeConfigs 10, AlterConfigs 11, IdempotentWrite 12, Alter 7, Describe 8.
inline constexpr std::int32_t kClusterOperations = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;
/// Read 3, Write 4, Create 5, Delete 6, Alter 7, Describe 8, DescribeConfigs 10, AlterConfigs 11.
inline constexpr std::int32_t kTopicOperations = 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;
/// Read 3, Delete 6, Describe 8, DescribeConfigs 10, AlterConfigs 11.
inline constexpr std::int32_t kGroupOperations = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;
/// Nobody asked.
inline constexpr std::int32_t kNoOperations = std::numeric_limits<std::int32_t>::min();

}  // namespace tidelog::broker
