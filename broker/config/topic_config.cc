#include "broker/config/topic_config.h"

#include "broker/config/option_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace tidelog::broker {
namespace {

using T = TopicConfig;
constexpr std::int64_t kMinuteMs = 60000;
constexpr std::int64_t kHourMs = 3600000;

// Arrays with a life of their own, for the table to point at.
constexpr std::array kCleanupPolicy{Synonym{"log.cleanup.policy"}};
constexpr std::array kCompressionGzipLevel{Synonym{"compression.gzip.level"}};
constexpr std::array kCompressionLz4Level{Synonym{"compression.lz4.level"}};
constexpr std::array kCompressionZstdLevel{Synonym{"compression.zstd.level"}};
constexpr std::array kLocalRetentionBytes{Synonym{"log.local.retention.bytes"}};
constexpr std::array kLocalRetentionMs{Synonym{"log.local.retention.ms"}};
constexpr std::array kRemoteCopyLagBytes{Synonym{"log.remote.copy.lag.bytes"}};
constexpr std::array kRemoteCopyLagMs{Synonym{"log.remote.copy.lag.ms"}};
constexpr std::array kCompressionType{Synonym{"compression.type"}};
constexpr std::array kDeleteRetentionMs{Synonym{"log.cleaner.delete.retention.ms"}};
constexpr std::array kDurability{Synonym{"durability"}};
constexpr std::array kFileDeleteDelayMs{Synonym{"log.segment.delete.delay.ms"}};
constexpr std::array kFlushMessages{Synonym{"log.flush.interval.messages"}};
constexpr std::array kFlushMs{Synonym{"log.flush.interval.ms"}, Synonym{"log.flush.scheduler.interval.ms"}};
constexpr std::array kIndexIntervalBytes{Synonym{"log.index.interval.bytes"}};
constexpr std::array kMaxCompactionLagMs{Synonym{"log.cleaner.max.compaction.lag.ms"}};
constexpr std::array kMaxDecompressedMessageBytes{Synonym{"max.decompressed.message.bytes"}};
constexpr std::array kMaxMessageBytes{Synonym{"message.max.bytes"}};
constexpr std::array kTimestampAfterMaxMs{Synonym{"log.message.timestamp.after.max.ms"}};
constexpr std::array kTimestampBeforeMaxMs{Synonym{"log.message.timestamp.before.max.ms"}};
constexpr std::array kTimestampType{Synonym{"log.message.timestamp.type"}};
constexpr std::array kMinCleanableDirtyRatio{Synonym{"log.cleaner.min.cleanable.ratio"}};
constexpr std::array kMinCompactionLagMs{Synonym{"log.cleaner.min.compaction.lag.ms"}};
constexpr std::array kMinInsyncReplicas{Synonym{"min.insync.replicas"}};
constexpr std::array kPreallocate{Synonym{"log.preallocate"}};
constexpr std::array kRetentionBytes{Synonym{"log.retention.bytes"}};
constexpr std::array kRetentionMs{Synonym{"log.retention.ms"}, Synonym{"log.retention.minutes", kMinuteMs},
                                  Synonym{"log.retention.hours", kHourMs}};
constexpr std::array kSegmentBytes{Synonym{"log.segment.bytes"}};
constexpr std::array kSegmentIndexBytes{Synonym{"log.index.size.max.bytes"}};
constexpr std::array kSegmentJitterMs{Synonym{"log.roll.jitter.ms"}, Synonym{"log.roll.jitter.hours", kHourMs}};
constexpr std::array kSegmentMs{Synonym{"log.roll.ms"}, Synonym{"log.roll.hours", kHourMs}};
constexpr std::array kUncleanLeaderElection{Synonym{"unclean.leader.election.enable"}};

constexpr std::string_view kAsBroker = "As the broker key of the same meaning.";

template <auto member>
constexpr TopicOption topic(std::string_view key, Limits limits, std::span<const Synonym> synonyms, std::string_view doc = kAsBroker) {
  return TopicOption{option<member>(key, limits, doc).cluster_wide(), synonyms};
}

constexpr TopicOption no_effect(std::string_view why, TopicOption row) { return row.no_effect = why, row; }
constexpr TopicOption internal(TopicOption row) { return row.is_internal = true, row; }
constexpr TopicOption ours(TopicOption row) { return row.origin = OptionOrigin::ours, row; }
constexpr TopicOption one_of(TopicOption row, std::span<const std::string_view> choices) { return row.rules.choices = choices, row; }

constexpr TopicOption kTable[] = {
    one_of(topic<&T::cleanup_policy>("cleanup.policy", any_value(), kCleanupPolicy), kCleanupPolicies),
    no_effect(kNoRecompression, topic<&T::compression_gzip_level>("compression.gzip.level", between(-1, 9), kCompressionGzipLevel,
                                                                  "Level, should the broker compress. 0 is not allowed.")),
    no_effect(kNoRecompression, topic<&T::compression_lz4_level>("compression.lz4.level", between(1, 17), kCompressionLz4Level,
                                                                 "Level, should the broker compress.")),
    topic<&T::compression_type>("compression.type", any_value(), kCompressionType),
    no_effect(kNoRecompression, topic<&T::compression_zstd_level>("compression.zstd.level", between(-131072, 22), kCompressionZstdLevel,
                                                                  "Level, should the broker compress.")),
    topic<&T::delete_retention_ms>("delete.retention.ms", at_least(0), kDeleteRetentionMs),
    ours(topic<&T::durability>("durability", any_value(), kDurability)),
    no_effect(kNoShare, topic<&T::errors_deadletterqueue_group_enable>("errors.deadletterqueue.group.enable", any_value(), {},
                                                                       "Whether share groups may use the topic as a dead letter queue.")),
    no_effect(kNoDelay, topic<&T::file_delete_delay_ms>("file.delete.delay.ms", at_least(0), kFileDeleteDelayMs)),
    topic<&T::flush_messages>("flush.messages", at_least(1), kFlushMessages),
    no_effect(kNoPeriodicFlush, topic<&T::flush_ms>("flush.ms", at_least(0), kFlushMs)),
    no_effect(kOneNode,
              topic<&T::follower_replication_throttled_replicas>("follower.replication.throttled.replicas", any_value(), {},
                                                                 "PARTITION:BROKER pairs, or `*`, whose catching up is slowed down.")),
    topic<&T::index_interval_bytes>("index.interval.bytes", at_least(0), kIndexIntervalBytes),
    internal(no_effect("`segment.bytes` decides", topic<&T::internal_segment_bytes>("internal.segment.bytes", any_value(), {},
                                                                                    "As `segment.bytes`, without its lower limit."))),
    no_effect(kOneNode, topic<&T::leader_replication_throttled_replicas>(
                            "leader.replication.throttled.replicas", any_value(), {},
                            "PARTITION:BROKER pairs, or `*`, whose serving of followers is slowed down.")),
    no_effect(kNoTiering, topic<&T::local_retention_bytes>("local.retention.bytes", at_least(-2), kLocalRetentionBytes,
                                                           "Size of the partition that is kept locally. -2: `retention.bytes`.")),
    no_effect(kNoTiering, topic<&T::local_retention_ms>("local.retention.ms", at_least(-2), kLocalRetentionMs,
                                                        "Age up to which records are kept locally. -2: `retention.ms`.")),
    topic<&T::max_compaction_lag_ms>("max.compaction.lag.ms", at_least(1), kMaxCompactionLagMs),
    topic<&T::max_decompressed_message_bytes>("max.decompressed.message.bytes", between(1, 2147483639), kMaxDecompressedMessageBytes),
    topic<&T::max_message_bytes>("max.message.bytes", at_least(0), kMaxMessageBytes),
    topic<&T::message_timestamp_after_max_ms>("message.timestamp.after.max.ms", at_least(0), kTimestampAfterMaxMs),
    topic<&T::message_timestamp_before_max_ms>("message.timestamp.before.max.ms", at_least(0), kTimestampBeforeMaxMs),
    topic<&T::message_timestamp_type>("message.timestamp.type", any_value(), kTimestampType),
    topic<&T::min_cleanable_dirty_ratio>("min.cleanable.dirty.ratio", between(0, 1), kMinCleanableDirtyRatio),
    topic<&T::min_compaction_lag_ms>("min.compaction.lag.ms", at_least(0), kMinCompactionLagMs),
    topic<&T::min_insync_replicas>("min.insync.replicas", at_least(1), kMinInsyncReplicas),
    no_effect(kNoPreallocation, topic<&T::preallocate>("preallocate", any_value(), kPreallocate)),
    no_effect(kNoTiering, topic<&T::remote_copy_lag_bytes>("remote.copy.lag.bytes", at_least(-1), kRemoteCopyLagBytes,
                                                           "Bytes that may wait to be copied.")),
    no_effect(kNoTiering, topic<&T::remote_copy_lag_ms>("remote.copy.lag.ms", at_least(-1), kRemoteCopyLagMs,
                                                        "Time a closed segment may wait to be copied.")),
    no_effect(kNoTiering,
              topic<&T::remote_log_copy_disable>("remote.log.copy.disable", any_value(), {}, "Read what was copied, copy no more.")),
    no_effect(kNoTiering, topic<&T::remote_log_delete_on_disable>("remote.log.delete.on.disable", any_value(), {},
                                                                  "Delete what was copied when tiering is switched off.")),
    no_effect(kNoTiering, topic<&T::remote_storage_enable>("remote.storage.enable", any_value(), {},
                                                           "Copy closed segments to a remote store. `true` is refused.")),
    topic<&T::retention_bytes>("retention.bytes", at_least(-1), kRetentionBytes),
    topic<&T::retention_ms>("retention.ms", at_least(-1), kRetentionMs),
    topic<&T::segment_bytes>("segment.bytes", at_least(1 << 20), kSegmentBytes),
    topic<&T::segment_index_bytes>("segment.index.bytes", at_least(4), kSegmentIndexBytes),
    no_effect(kNoJitter, topic<&T::segment_jitter_ms>("segment.jitter.ms", at_least(0), kSegmentJitterMs)),
    topic<&T::segment_ms>("segment.ms", at_least(1), kSegmentMs),
    no_effect(kOneNode, topic<&T::unclean_leader_election_enable>("unclean.leader.election.enable", any_value(), kUncleanLeaderElection)),
};

ConfigError unknown_key(std::string_view key, Suggestions& suggestions) {
  const std::string_view meant = suggestions.closest_key(key, topic_option_table());
  return {.key = std::string(key),
          .message = fmt::format("\"{}\" is not a topic config", key),
          .hint = meant.empty() ? "see the topic keys in docs/configuration.md" : fmt::format("did you mean {}?", meant)};
}

ConfigError bad_value(std::string_view key, std::string_view value, std::string_view why) {
  return {.key = std::string(key), .message = fmt::format("\"{}\" is not valid for {}: {}", value, key, why), .hint = ""};
}

/// Parses `value` into the row's member; what the generic rules cannot express is checked here.
Result<void, ConfigError> set_topic_value(const TopicOption& row, std::string_view value, TopicConfig& into) {
  if (ValueResult ok = row.read(into, value); !ok) return bad_value(row.key, value, ok.error());
  if (into.compression_gzip_level == 0) return bad_value(row.key, value, "allowed: -1, or 1 to 9");
  if (into.remote_storage_enable) return bad_value(row.key, value, "tiered storage is not available");
  return {};
}

Result<void, ConfigError> check_key(std::string_view key, std::string_view value, Suggestions& suggestions) {
  const TopicOption* row = find_topic_option(key);
  if (row == nullptr) return unknown_key(key, suggestions);
  TopicConfig scratch;
  return set_topic_value(*row, value, scratch);
}

/// What one unit of a synonym comes to. -1 is "never" in every unit, so it is not multiplied; a product too large is the largest number.
std::string scaled(const std::string& value, std::int64_t factor) {
  if (factor == 1) return value;
  std::int64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  if (number < 0) return value;
  const bool overflows = number > std::numeric_limits<std::int64_t>::max() / factor;
  return print_value(overflows ? std::numeric_limits<std::int64_t>::max() : number * factor);
}

/// The broker's value for a topic key. Kafka's order: the finer unit wins when it has a value, whoever gave it.
std::optional<std::string> broker_default(const TopicOption& row, const BrokerOptions& options) {
  for (const Synonym& synonym : row.synonyms) {
    const BrokerOption* broker_row = find_broker_option(synonym.key);
    if (broker_row == nullptr) continue;
    const std::optional<std::string> value = shown_value(*broker_row, broker_row->print(options));
    if (value) return scaled(*value, synonym.factor);
  }
  return std::nullopt;
}

}  // namespace

bool TopicConfig::deletes() const { return std::ranges::find(cleanup_policy, "delete") != cleanup_policy.end(); }
bool TopicConfig::compacts() const { return std::ranges::find(cleanup_policy, "compact") != cleanup_policy.end(); }

std::span<const TopicOption> topic_option_table() { return kTable; }

const TopicOption* find_topic_option(std::string_view key) {
  const auto row = std::ranges::lower_bound(kTable, key, {}, &TopicOption::key);
  return row != std::end(kTable) && row->key == key ? row : nullptr;
}

OptionInfo topic_option_info(const TopicOption& row) {
  OptionInfo info = row;
  if (row.doc != kAsBroker) return info;
  for (const Synonym& synonym : row.synonyms) {
    if (const BrokerOption* broker_row = find_broker_option(synonym.key)) return info.doc = broker_row->doc, info;
  }
  return info;
}

Result<void, ConfigError> validate_topic_config(std::string_view key, std::string_view value) {
  Suggestions suggestions;
  return check_key(key, value, suggestions);
}

Result<void, ConfigError> validate_topic_configs(const TopicConfig& defaults, const ConfigMap& overrides, Suggestions& suggestions) {
  for (const auto& [key, value] : overrides) {
    if (Result<void, ConfigError> ok = check_key(key, value, suggestions); !ok) return ok;
  }
  const TopicConfig config = with_overrides(defaults, overrides);
  if (config.min_compaction_lag_ms <= config.max_compaction_lag_ms) return {};
  return bad_value("max.compaction.lag.ms", print_value(config.max_compaction_lag_ms),
                   fmt::format("it is below min.compaction.lag.ms, {}", config.min_compaction_lag_ms));
}

Result<void, ConfigError> validate_topic_configs(const BrokerOptions& options, const ConfigMap& overrides) {
  Suggestions suggestions;
  return validate_topic_configs(topic_defaults(options), overrides, suggestions);
}

TopicConfig topic_defaults(const BrokerOptions& options) {
  TopicConfig config;
  for (const TopicOption& row : kTable) {
    // Broker values passed the same limits when they were loaded.
    if (const std::optional<std::string> from_broker = broker_default(row, options)) (void)row.read(config, *from_broker);
  }
  return config;
}

TopicConfig with_overrides(const TopicConfig& defaults, const ConfigMap& overrides) {
  TopicConfig config = defaults;
  for (const auto& [key, value] : overrides) {
    const TopicOption* row = find_topic_option(key);
    TopicConfig scratch;
    if (row != nullptr && set_topic_value(*row, value, scratch)) (void)row->read(config, value);
  }
  return config;
}

TopicConfig resolve_topic_config(const BrokerOptions& options, const ConfigMap& overrides) {
  return with_overrides(topic_defaults(options), overrides);
}

}  // namespace tidelog::broker
