// Tiered storage.
#include "broker/config/option_groups.h"

namespace tidelog::broker {
namespace {

using enum OptionType;

constexpr BrokerOption kTable[] = {
    inert({"follower.fetch.last.tiered.offset.enable", boolean, "false", any_value()}, kNoTiering,
          "Let a new follower begin at the last tiered offset.")
        .cluster_wide(),
    inert({"log.local.retention.bytes", long_integer, "-2", at_least(-2)}, kNoTiering,
          "Size of a tiered partition that is kept locally; -2: as `log.retention.bytes`.")
        .cluster_wide(),
    inert({"log.local.retention.ms", long_integer, "-2", at_least(-2)}, kNoTiering,
          "Age up to which a tiered partition is kept locally; -2: as `log.retention.ms`.")
        .cluster_wide(),
    inert({"log.remote.copy.lag.bytes", long_integer, "-1", at_least(-1)}, kNoTiering, "Bytes that may wait to be copied.").cluster_wide(),
    inert({"log.remote.copy.lag.ms", long_integer, "0", at_least(-1)}, kNoTiering, "Time that a closed segment may wait to be copied.")
        .cluster_wide(),
    inert({"remote.fetch.max.wait.ms", integer, "500", at_least(1)}, kNoTiering, "Longest wait for a read from the remote store.")
        .cluster_wide(),
    inert({"remote.list.offsets.request.timeout.ms", long_integer, "30000", at_least(1)}, kNoTiering,
          "Longest wait for an offset lookup in the remote store.")
        .cluster_wide(),
    inert({"remote.log.index.file.cache.total.size.bytes", long_integer, "1073741824", at_least(1)}, kNoTiering,
          "Disk space for index files fetched from the remote store.")
        .cluster_wide(),
    inert({"remote.log.index.file.cache.ttl.ms", long_integer, "900000", at_least(-1)}, kNoTiering,
          "Idle time after which a fetched index file goes.")
        .internal(),
    inert({"remote.log.manager.copier.thread.pool.size", integer, "10", at_least(1)}, kNoTiering, "Threads that copy segments.")
        .cluster_wide(),
    inert({"remote.log.manager.copy.max.bytes.per.second", long_integer, "9223372036854775807", at_least(1)}, kNoTiering,
          "Bytes a second that may be copied out.")
        .cluster_wide(),
    inert({"remote.log.manager.copy.quota.window.num", integer, "11", at_least(1)}, kNoTiering,
          "Samples that the copy quota is measured over."),
    inert({"remote.log.manager.copy.quota.window.size.seconds", integer, "1", at_least(1)}, kNoTiering, "Length of such a sample."),
    inert({"remote.log.manager.expiration.thread.pool.size", integer, "10", at_least(1)}, kNoTiering,
          "Threads that delete expired remote segments.")
        .cluster_wide(),
    inert({"remote.log.manager.fetch.max.bytes.per.second", long_integer, "9223372036854775807", at_least(1)}, kNoTiering,
          "Bytes a second that may be read back.")
        .cluster_wide(),
    inert({"remote.log.manager.fetch.quota.window.num", integer, "11", at_least(1)}, kNoTiering,
          "Samples that the read quota is measured over."),
    inert({"remote.log.manager.fetch.quota.window.size.seconds", integer, "1", at_least(1)}, kNoTiering, "Length of such a sample."),
    inert({"remote.log.manager.follower.thread.pool.size", integer, "2", at_least(1)}, kNoTiering,
          "Threads that follow remote state for partitions led elsewhere.")
        .cluster_wide(),
    inert({"remote.log.manager.task.interval.ms", long_integer, "30000", at_least(1)}, kNoTiering,
          "How often segments to copy or delete are looked for."),
    inert({"remote.log.manager.task.retry.backoff.max.ms", long_integer, "30000", at_least(1)}, kNoTiering,
          "Longest wait before a failed task is repeated.")
        .internal(),
    inert({"remote.log.manager.task.retry.backoff.ms", long_integer, "500", at_least(1)}, kNoTiering,
          "First wait before a failed task is repeated.")
        .internal(),
    inert({"remote.log.manager.task.retry.jitter", real, "0.2", between(0, 1)}, kNoTiering, "Random share added to that wait.").internal(),
    inert({"remote.log.manager.thread.pool.size", integer, "2", at_least(1)}, kNoTiering, "Threads for remaining work of tiering."),
    inert({"remote.log.metadata.custom.metadata.max.bytes", integer, "128", at_least(0)}, kNoTiering,
          "Largest note a storage plugin may keep with a segment."),
    inert({"remote.log.metadata.manager.class.name", text,
           "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager", any_value()},
          kNoTiering, "Class that keeps the list of remote segments."),
    inert({"remote.log.metadata.manager.class.path", text, "", any_value()}, kNoTiering, "Where that class is loaded from.").nullable(),
    inert({"remote.log.metadata.manager.impl.prefix", text, "rlmm.config.", any_value()}, kNoTiering,
          "Prefix of keys that are handed to it."),
    inert({"remote.log.metadata.manager.listener.name", text, "", any_value()}, kNoTiering, "Listener over which it reaches the cluster.")
        .nullable(),
    inert({"remote.log.reader.max.pending.tasks", integer, "100", at_least(1)}, kNoTiering, "Reads that may wait for a reading thread."),
    inert({"remote.log.reader.threads", integer, "10", at_least(1)}, kNoTiering, "Threads that read from the remote store.").cluster_wide(),
    inert({"remote.log.storage.manager.class.name", text, "", any_value()}, kNoTiering, "Class that talks to the remote store.").nullable(),
    inert({"remote.log.storage.manager.class.path", text, "", any_value()}, kNoTiering, "Where that class is loaded from.").nullable(),
    inert({"remote.log.storage.manager.impl.prefix", text, "rsm.config.", any_value()}, kNoTiering,
          "Prefix of keys that are handed to it."),
    inert({"remote.log.storage.system.enable", boolean, "false", any_value()}, kNoTiering, "Switch tiered storage on."),
};

}  // namespace

std::span<const BrokerOption> tiering_options() { return kTable; }

}  // namespace tidelog::broker
