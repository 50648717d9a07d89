#pragma once

#include "client/settings.h"
#include "proto/base/types.h"
#include "proto/messages/metadata_response.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::core {

struct PartitionMetadata {
  std::int32_t leader = -1;  ///< -1: none now.
  std::int32_t leader_epoch = -1;
  std::int16_t error_code = 0;
  std::vector<std::int32_t> replicas;
  std::vector<std::int32_t> in_sync;
};

struct TopicMetadata {
  std::string name;
  Uuid id;
  bool is_internal = false;
  std::int16_t error_code = 0;                ///< Not 0: there are no partitions.
  std::vector<PartitionMetadata> partitions;  ///< By index.
};

/// What the cluster looked like when it was last asked. Never changes; the next one replaces it.
/// Thread: any.
struct Metadata {
  std::string cluster_id;
  std::int32_t controller = -1;
  std::map<std::int32_t, Address> brokers;
  std::map<std::string, std::shared_ptr<const TopicMetadata>, std::less<>> topics;
  bool has_all_topics = false;  ///< All there were was asked for once; since then at most those are missing that came later.

  [[nodiscard]] std::shared_ptr<const TopicMetadata> topic(std::string_view name) const {
    const auto found = topics.find(name);
    return found == topics.end() ? nullptr : found->second;
  }
  /// -1 if unknown or none.
  [[nodiscard]] std::int32_t leader_of(std::string_view name, std::int32_t partition) const;
};

/// `old` with what `answer` says; topics that it does not mention stay as they were, unless it was asked for all: then they are gone. A
/// leader with an older epoch than the one known is a broker that lags behind, and is not believed, unless the topic is another one of the
/// same name.
std::shared_ptr<const Metadata> merge(const Metadata& old, const proto::MetadataResponse& answer, bool is_about_all = false);

}  // namespace tidelog::core
