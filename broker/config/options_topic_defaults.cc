// What topics without a value of their own follow.
#include "broker/config/option_groups.h"

namespace tidelog::broker {
namespace {

using B = BrokerOptions;

constexpr BrokerOption kTable[] = {
    option<&B::durability>(
        "durability", any_value(),
        "When acks=all answers: `fsync` once the disk has the records, `page-cache` once the operating system has them, as Kafka "
        "does. See guarantees.md.")
        .ours()
        .cluster_wide(),
    option<&B::min_insync_replicas>("min.insync.replicas", at_least(1), "In-sync replicas that acks=all needs.").cluster_wide(),
    option<&B::message_max_bytes>("message.max.bytes", at_least(0), "Largest record batch, as sent (compressed if it is), in bytes.")
        .cluster_wide(),
    option<&B::max_decompressed_message_bytes>("max.decompressed.message.bytes", between(1, 2147483639),
                                               "Largest size of a batch once decompressed. Below the default every compressed batch is "
                                               "opened to see; else only those of compacted topics are.")
        .cluster_wide(),
    option<&B::log_segment_bytes>("log.segment.bytes", at_least(1 << 20), "Size at which a segment file is closed and the next begun.")
        .cluster_wide(),
    option<&B::log_roll_ms>("log.roll.ms", at_least(1), "Age at which a segment is closed. Unset: `log.roll.hours`.").cluster_wide(),
    option<&B::log_roll_hours>("log.roll.hours", at_least(1), "As `log.roll.ms`, in hours."),
    option<&B::log_roll_jitter_ms>("log.roll.jitter.ms", at_least(0), "Random time taken off the age. Unset: `log.roll.jitter.hours`.")
        .cluster_wide()
        .without_effect(kNoJitter),
    option<&B::log_roll_jitter_hours>("log.roll.jitter.hours", at_least(0), "As `log.roll.jitter.ms`, in hours.").without_effect(kNoJitter),
    option<&B::log_index_interval_bytes>("log.index.interval.bytes", at_least(0), "Log bytes between two index entries.").cluster_wide(),
    option<&B::log_index_size_max_bytes>("log.index.size.max.bytes", at_least(4), "Largest offset index; a segment ends when it is full.")
        .cluster_wide(),
    option<&B::log_retention_ms>("log.retention.ms", at_least(-1),
                                 "Age at which segments are deleted; -1 never. Unset: `log.retention.minutes`.")
        .cluster_wide(),
    option<&B::log_retention_minutes>("log.retention.minutes", at_least(-1),
                                      "As `log.retention.ms`, in minutes. Unset: `log.retention.hours`."),
    option<&B::log_retention_hours>("log.retention.hours", at_least(-1), "As `log.retention.ms`, in hours."),
    option<&B::log_retention_bytes>("log.retention.bytes", at_least(-1),
                                    "Size of a partition above which its oldest segments go; -1 no limit.")
        .cluster_wide(),
    option<&B::log_retention_check_interval_ms>("log.retention.check.interval.ms", at_least(1), "How often retention is looked at."),
    option<&B::log_message_timestamp_type>("log.message.timestamp.type", any_value(), "Whose clock stamps records: producer or broker.")
        .cluster_wide(),
    option<&B::log_message_timestamp_before_max_ms>("log.message.timestamp.before.max.ms", at_least(0),
                                                    "How far in the past a producer's timestamp may lie.")
        .cluster_wide(),
    option<&B::log_message_timestamp_after_max_ms>("log.message.timestamp.after.max.ms", at_least(0),
                                                   "How far in the future a producer's timestamp may lie.")
        .cluster_wide(),
    option<&B::compression_type>(
        "compression.type", any_value(),
        "Codec of batches that compaction lays out anew; `producer` and `uncompressed`: the one they had. For now all "
        "others stay as the producer made them.")
        .cluster_wide(),
    option<&B::log_cleanup_policy>("log.cleanup.policy", any_value(),
                                   "`delete` by age and size, `compact` by key, or both; empty keeps everything.")
        .one_of(kCleanupPolicies)
        .cluster_wide(),
    option<&B::log_flush_interval_messages>(
        "log.flush.interval.messages", at_least(1),
        "1 syncs before every acknowledgement, as `durability=fsync` does. Larger values have no effect yet.")
        .cluster_wide(),
    option<&B::log_flush_interval_ms>("log.flush.interval.ms", at_least(0), "In page-cache mode: longest time until records are synced.")
        .cluster_wide()
        .without_effect(kNoPeriodicFlush),
    option<&B::log_segment_delete_delay_ms>("log.segment.delete.delay.ms", at_least(0),
                                            "Time between taking a file out of use and unlinking it.")
        .cluster_wide()
        .without_effect(kNoDelay),
    option<&B::log_preallocate>("log.preallocate", any_value(), "Reserve the disk space of a segment when it is made.")
        .cluster_wide()
        .without_effect(kNoPreallocation),
    option<&B::log_cleaner_delete_retention_ms>("log.cleaner.delete.retention.ms", at_least(0), "How long compaction keeps tombstones.")
        .cluster_wide(),
    option<&B::log_cleaner_min_compaction_lag_ms>("log.cleaner.min.compaction.lag.ms", at_least(0),
                                                  "Age before which a record is not compacted.")
        .cluster_wide(),
    option<&B::log_cleaner_max_compaction_lag_ms>("log.cleaner.max.compaction.lag.ms", at_least(1),
                                                  "Age after which a record must be compacted.")
        .cluster_wide(),
    option<&B::log_cleaner_min_cleanable_ratio>("log.cleaner.min.cleanable.ratio", between(0, 1),
                                                "Share of uncompacted bytes that starts a pass.")
        .cluster_wide(),
    option<&B::unclean_leader_election_enable>(
        "unclean.leader.election.enable", any_value(),
        "Let a replica that is not in sync lead when no other is left: available, and records are lost.")
        .cluster_wide()
        .without_effect(kOneNode),
    option<&B::producer_id_expiration_ms>("producer.id.expiration.ms", at_least(1),
                                          "Silence after which an idempotent producer is forgotten.")
        .cluster_wide(),
};

}  // namespace

std::span<const BrokerOption> topic_default_options() { return kTable; }

}  // namespace tidelog::broker
