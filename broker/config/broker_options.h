#pragma once

#include "broker/config/choices.h"
#include "broker/config/listener.h"
#include "broker/config/option.h"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tidelog::broker {

/// Every setting of a broker. A member is named like its key with `_` for `.`, and its initialiser is the key's default; what each means
/// and allows stands in the table (options_*.cc) and, made from it, in docs/configuration.md. Keys that nothing reads have no member.
/// Life: filled once before the broker starts, then read only.
struct BrokerOptions {
  // Identity and listening
  std::int32_t node_id = 1;
  std::int32_t broker_id = -1;
  std::vector<std::string> listeners{"PLAINTEXT://127.0.0.1:9092"};
  std::vector<std::string> advertised_listeners;
  std::string listener_security_protocol_map = "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT";
  std::vector<std::string> controller_listener_names;
  std::string broker_rack;
  std::vector<std::string> log_dirs{"./data"};
  std::vector<std::string> log_dir;
  std::string metadata_log_dir;

  // Topics
  std::int32_t num_partitions = 1;
  std::int32_t default_replication_factor = 1;
  std::int32_t min_insync_replicas = 1;
  bool auto_create_topics_enable = true;
  bool delete_topic_enable = true;
  DurabilityMode durability = DurabilityMode::fsync;

  // Threads
  std::int32_t shards = 0;
  std::int32_t blocking_threads = 2;

  // Sizes of requests and answers
  std::int32_t message_max_bytes = 1048588;
  std::int32_t max_decompressed_message_bytes = 2147483639;
  std::int32_t socket_request_max_bytes = 104857600;
  std::int32_t fetch_max_bytes = 57671680;
  std::int32_t max_incremental_fetch_session_cache_slots = 1000;
  std::int32_t max_request_partition_size_limit = 2000;
  std::int32_t max_request_elements = 250000;

  // Disk
  std::int64_t disk_reserve_bytes = std::int64_t{4} << 20;
  std::int64_t journal_bytes = std::int64_t{128} << 20;
  std::int64_t log_scrub_interval_ms = 604800000;
  std::int64_t log_scrub_max_bytes_per_second = std::int64_t{16} << 20;

  // Memory
  std::int64_t memory_budget_bytes = std::int64_t{1} << 30;
  std::int64_t queued_max_request_bytes = -1;
  std::int64_t response_memory_bytes = -1;
  std::int64_t group_memory_bytes = -1;
  std::int64_t group_view_bytes = std::int64_t{16} << 20;

  // Connections
  std::int32_t max_connections = 10000;
  std::int32_t max_connections_per_ip = 1000;
  std::int32_t max_connection_creation_rate = 5000;
  std::int32_t max_inflight_requests_per_connection = 1000;
  std::int64_t connections_max_idle_ms = 600000;
  std::int32_t request_frame_timeout_ms = 30000;
  std::int32_t response_write_timeout_ms = 30000;

  // Quotas of clients
  std::int32_t quota_window_num = 11;
  std::int32_t quota_window_size_seconds = 1;

  // Logs: defaults of topic configs
  std::int32_t log_segment_bytes = 1073741824;
  std::optional<std::int64_t> log_roll_ms;
  std::int32_t log_roll_hours = 168;
  std::optional<std::int64_t> log_roll_jitter_ms;
  std::int32_t log_roll_jitter_hours = 0;
  std::int32_t log_index_interval_bytes = 4096;
  std::int32_t log_index_size_max_bytes = 10485760;
  std::optional<std::int64_t> log_retention_ms;
  std::optional<std::int32_t> log_retention_minutes;
  std::int32_t log_retention_hours = 168;
  std::int64_t log_retention_bytes = -1;
  std::int64_t log_retention_check_interval_ms = 300000;
  MessageTimestampType log_message_timestamp_type = MessageTimestampType::create_time;
  std::int64_t log_message_timestamp_before_max_ms = std::numeric_limits<std::int64_t>::max();
  std::int64_t log_message_timestamp_after_max_ms = 3600000;
  CompressionType compression_type = CompressionType::producer;
  std::vector<std::string> log_cleanup_policy{"delete"};
  std::int64_t log_flush_interval_messages = std::numeric_limits<std::int64_t>::max();
  std::optional<std::int64_t> log_flush_interval_ms;
  std::int64_t log_segment_delete_delay_ms = 60000;
  bool log_preallocate = false;
  bool unclean_leader_election_enable = false;
  std::int64_t log_cleaner_delete_retention_ms = 86400000;
  std::int64_t log_cleaner_min_compaction_lag_ms = 0;
  std::int64_t log_cleaner_max_compaction_lag_ms = std::numeric_limits<std::int64_t>::max();
  double log_cleaner_min_cleanable_ratio = 0.5;

  // Compaction
  bool log_cleaner_enable = true;
  std::int32_t log_cleaner_threads = 1;
  std::int64_t log_cleaner_backoff_ms = 15000;
  std::int64_t log_cleaner_dedupe_buffer_size = 134217728;
  double log_cleaner_io_buffer_load_factor = 0.9;
  std::int32_t log_cleaner_io_buffer_size = 524288;
  double log_cleaner_io_max_bytes_per_second = std::numeric_limits<double>::max();

  // Producers, replicas, groups, transactions
  std::int32_t producer_id_expiration_ms = 86400000;
  std::int64_t replica_lag_time_max_ms = 30000;
  std::int32_t group_initial_rebalance_delay_ms = 3000;
  std::int32_t group_min_session_timeout_ms = 6000;
  std::int32_t group_max_session_timeout_ms = 1800000;
  std::int32_t offsets_topic_replication_factor = 3;
  std::int32_t offsets_topic_num_partitions = 50;
  std::int32_t offsets_topic_segment_bytes = 100 << 20;
  std::int32_t offsets_retention_minutes = 10080;
  std::int64_t offsets_retention_check_interval_ms = 600000;
  std::int32_t offsets_commit_timeout_ms = 5000;
  std::int32_t offsets_load_buffer_size = 5242880;
  std::int32_t offset_metadata_max_bytes = 4096;
  std::int32_t group_max_size = std::numeric_limits<std::int32_t>::max();
  std::vector<std::string> group_consumer_assignors{"uniform", "range"};
  std::int32_t group_consumer_session_timeout_ms = 45000;
  std::int32_t group_consumer_min_session_timeout_ms = 45000;
  std::int32_t group_consumer_max_session_timeout_ms = 60000;
  std::int32_t group_consumer_heartbeat_interval_ms = 5000;
  std::int32_t group_consumer_min_heartbeat_interval_ms = 5000;
  std::int32_t group_consumer_max_heartbeat_interval_ms = 15000;
  std::int32_t group_consumer_assignment_interval_ms = 1000;
  std::int32_t group_consumer_min_assignment_interval_ms = 0;
  std::int32_t group_consumer_max_assignment_interval_ms = 15000;
  std::int32_t group_consumer_max_size = std::numeric_limits<std::int32_t>::max();
  std::string group_consumer_migration_policy = "bidirectional";
  std::int32_t transaction_max_timeout_ms = 900000;
  std::int32_t transaction_state_log_replication_factor = 3;
  std::int32_t transaction_state_log_num_partitions = 50;
  std::int32_t transaction_state_log_min_isr = 2;
  std::int32_t transactional_id_expiration_ms = 604800000;

  // What this process says about itself
  LogLevel log_level = LogLevel::warn;
  LogFormat log_format = LogFormat::text;

  /// Values of keys that nothing reads, by key: those that somebody gave.
  std::map<std::string, std::string, std::less<>> inert;
  /// The keys that a file, the environment or a flag gave, default or not.
  std::set<std::string, std::less<>> stated;
};

using BrokerOption = Option<BrokerOptions>;

/// Reads and prints a key that has no member.
ValueResult set_inert(BrokerOptions& into, std::string_view text, const OptionInfo& info);
std::string get_inert(const BrokerOptions& from, const OptionInfo& info);

/// Keys of one theme, under its heading in docs/configuration.md.
struct OptionGroup {
  std::string_view title;
  std::span<const BrokerOption> rows;
};

/// The table by theme, in the order of docs/configuration.md, and all of it sorted by key.
std::span<const OptionGroup> broker_option_groups();
std::span<const BrokerOption> broker_option_table();

/// The row of a key; null if there is none. `listener.name.NAME.KEY` is KEY for one listener alone.
const BrokerOption* find_broker_option(std::string_view key);
/// Whether the key belongs to one listener, and what it is called without that.
std::optional<std::string_view> without_listener_prefix(std::string_view key);
/// Gives `key`, whose row is `row`, a value. A listener's own value is checked and kept, and nothing reads it.
ValueResult set_broker_value(BrokerOptions& into, std::string_view key, const BrokerOption& row, std::string_view text);

/// Kafka hands keys it does not know to plugins. Of those, the ones that are usual in files: accepted, and nothing reads
/// them for this reason. Empty for any other key.
std::string_view why_plugin_key_is_idle(std::string_view key);

/// What `queued.max.request.bytes` comes to: bytes of requests held in memory at once, at most.
std::int64_t request_memory_bytes(const BrokerOptions& options);
/// What `response.memory.bytes` comes to.
std::int64_t response_memory_bytes(const BrokerOptions& options);
/// What groups may keep in memory.
std::int64_t group_memory_bytes(const BrokerOptions& options);

/// `listeners` without those that are for controllers.
Result<std::vector<ListenerAddress>, ConfigError> client_listeners(const BrokerOptions& options);
/// `advertised.listeners` without those that are for controllers. What clients are told who came by the listener of the same name.
Result<std::vector<ListenerAddress>, ConfigError> advertised_listeners(const BrokerOptions& options);

/// Gives `node.id` and `log.dirs` what their older names say, unless they were given themselves.
void apply_older_names(BrokerOptions& options);
/// Checks what no single key can say: addresses, one log dir, memory that holds at least one request.
Result<void, ConfigError> check_consistency(const BrokerOptions& options);

}  // namespace tidelog::broker
