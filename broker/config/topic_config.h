#pragma once

#include "broker/config/broker_options.h"
#include "broker/config/choices.h"
#include "broker/config/option.h"
#include "broker/config/suggest.h"

#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// The default of max.decompressed.message.bytes: nobody wants to know how large a batch becomes.
inline constexpr std::int32_t kAnyDecompressedSize = 2147483639;

/// Every setting of a topic, resolved: the topic's own value, else the broker's, else the default. Members are named like their keys.
struct TopicConfig {
  std::vector<std::string> cleanup_policy{"delete"};
  std::int32_t compression_gzip_level = -1;
  std::int32_t compression_lz4_level = 9;
  CompressionType compression_type = CompressionType::producer;
  std::int32_t compression_zstd_level = 3;
  std::int64_t delete_retention_ms = 86400000;
  DurabilityMode durability = DurabilityMode::fsync;
  bool errors_deadletterqueue_group_enable = false;
  std::int64_t file_delete_delay_ms = 60000;
  std::int64_t flush_messages = std::numeric_limits<std::int64_t>::max();
  std::int64_t flush_ms = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string> follower_replication_throttled_replicas;
  std::int32_t index_interval_bytes = 4096;
  std::optional<std::int32_t> internal_segment_bytes;
  std::vector<std::string> leader_replication_throttled_replicas;
  std::int64_t local_retention_bytes = -2;
  std::int64_t local_retention_ms = -2;
  std::int64_t max_compaction_lag_ms = std::numeric_limits<std::int64_t>::max();
  std::int32_t max_decompressed_message_bytes = kAnyDecompressedSize;
  std::int32_t max_message_bytes = 1048588;
  std::int64_t message_timestamp_after_max_ms = 3600000;
  std::int64_t message_timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
  MessageTimestampType message_timestamp_type = MessageTimestampType::create_time;
  double min_cleanable_dirty_ratio = 0.5;
  std::int64_t min_compaction_lag_ms = 0;
  std::int32_t min_insync_replicas = 1;
  bool preallocate = false;
  std::int64_t remote_copy_lag_bytes = -1;
  std::int64_t remote_copy_lag_ms = 0;
  bool remote_log_copy_disable = false;
  bool remote_log_delete_on_disable = false;
  bool remote_storage_enable = false;
  std::int64_t retention_bytes = -1;
  std::int64_t retention_ms = 604800000;
  std::int32_t segment_bytes = 1073741824;
  std::int32_t segment_index_bytes = 10485760;
  std::int64_t segment_jitter_ms = 0;
  std::int64_t segment_ms = 604800000;
  bool unclean_leader_election_enable = false;

  bool operator==(const TopicConfig&) const = default;
  [[nodiscard]] bool deletes() const;
  [[nodiscard]] bool compacts() const;
  /// Whether compressed batches are opened before they are stored: a limit can only be kept by looking.
  [[nodiscard]] bool opens_batches() const { return max_decompressed_message_bytes < kAnyDecompressedSize; }
  /// Whether an acknowledgement waits for the disk.
  [[nodiscard]] bool syncs_before_ack() const { return durability == DurabilityMode::fsync || flush_messages == 1; }
};

/// A broker key that gives a topic key its default, and what one unit of it is in units of the topic key.
struct Synonym {
  std::string_view key;
  std::int64_t factor = 1;
};

struct TopicOption : Option<TopicConfig> {
  /// The first one that has a value counts.
  std::span<const Synonym> synonyms;
};

/// What was set for a topic, a broker or a group, by key.
using ConfigMap = std::map<std::string, std::string>;

/// The table, sorted by key: the order in which configs are listed to clients.
std::span<const TopicOption> topic_option_table();
/// Null if there is no such key.
const TopicOption* find_topic_option(std::string_view key);
/// The row's info with its own meaning: in the table most rows leave that to the broker's key.
OptionInfo topic_option_info(const TopicOption& row);

/// One key and value as a client sends them.
Result<void, ConfigError> validate_topic_config(std::string_view key, std::string_view value);
/// All overrides of a topic: each by itself, then what no single key can say.
Result<void, ConfigError> validate_topic_configs(const BrokerOptions& options, const ConfigMap& overrides);
/// The same for one topic of many: `defaults` are `topic_defaults`, and `suggestions` are those of the whole request.
Result<void, ConfigError> validate_topic_configs(const TopicConfig& defaults, const ConfigMap& overrides, Suggestions& suggestions);

/// What a topic follows that has no override.
TopicConfig topic_defaults(const BrokerOptions& options);
/// An override that does not validate is skipped: records written by a later version must not keep a topic from loading.
TopicConfig with_overrides(const TopicConfig& defaults, const ConfigMap& overrides);
TopicConfig resolve_topic_config(const BrokerOptions& options, const ConfigMap& overrides);

}  // namespace tidelog::broker
