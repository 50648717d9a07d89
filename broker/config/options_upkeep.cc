// How logs are cleaned, flushed and tidied.
#include "broker/config/option_groups.h"

namespace tidelog::broker {
namespace {

using enum OptionType;

constexpr BrokerOption kTable[] = {
    inert({"compression.gzip.level", integer, "-1", between(-1, 9)}, kNoRecompression, "Level, should the broker compress by gzip.")
        .cluster_wide(),
    inert({"compression.lz4.level", integer, "9", between(1, 17)}, kNoRecompression, "Level, should the broker compress by lz4.")
        .cluster_wide(),
    inert({"compression.zstd.level", integer, "3", between(-131072, 22)}, kNoRecompression, "Level, should the broker compress by zstd.")
        .cluster_wide(),
    inert({"log.cleaner.backoff.ms", long_integer, "15000", at_least(0)}, kNoCompaction, "Pause of compaction when there is nothing to do.")
        .cluster_wide(),
    inert({"log.cleaner.dedupe.buffer.size", long_integer, "134217728", any_value()}, kNoCompaction,
          "Memory for the keys of a compaction pass.")
        .cluster_wide(),
    inert({"log.cleaner.enable", boolean, "true", any_value()}, kNoCompaction, "Compact topics whose policy says so."),
    inert({"log.cleaner.io.buffer.load.factor", real, "0.9", any_value()}, kNoCompaction, "How full the key table of compaction may get.")
        .cluster_wide(),
    inert({"log.cleaner.io.buffer.size", integer, "524288", at_least(0)}, kNoCompaction,
          "Buffers for reading and writing during compaction.")
        .cluster_wide(),
    inert({"log.cleaner.io.max.bytes.per.second", real, "1.7976931348623157E308", any_value()}, kNoCompaction,
          "Bytes a second that compaction may read and write.")
        .cluster_wide(),
    inert({"log.cleaner.threads", integer, "1", at_least(0)}, kNoCompaction, "Threads of compaction.").cluster_wide(),
    inert({"log.flush.offset.checkpoint.interval.ms", integer, "60000", at_least(0)}, kOwnWay,
          "How often recovery points are written; here with every checkpoint, once a minute."),
    inert({"log.flush.scheduler.interval.ms", long_integer, "9223372036854775807", any_value()}, kOwnWay,
          "How often logs are looked at for `log.flush.interval.ms`."),
    inert({"log.flush.start.offset.checkpoint.interval.ms", integer, "60000", at_least(0)}, kOwnWay,
          "How often log start offsets are written; here with every checkpoint."),
    inert({"log.initial.task.delay.ms", long_integer, "30000", at_least(0)}, kOwnWay,
          "Wait after start before retention and checkpoints begin.")
        .internal(),
    inert({"num.recovery.threads.per.data.dir", integer, "2", at_least(1)}, kOwnWay, "Threads that open logs at start.").cluster_wide(),
    inert({"delete.records.purgatory.purge.interval.requests", integer, "1", any_value()}, kOwnWay,
          "Finished DeleteRecords requests after which waiting lists are tidied."),
    inert({"fetch.purgatory.purge.interval.requests", integer, "1000", any_value()}, kOwnWay,
          "Finished fetches after which waiting lists are tidied."),
    inert({"producer.purgatory.purge.interval.requests", integer, "1000", any_value()}, kOwnWay,
          "Finished produces after which waiting lists are tidied."),
    inert({"producer.id.expiration.check.interval.ms", integer, "600000", at_least(1)}, kOwnWay,
          "How often silent idempotent producers are looked for; here with retention.")
        .internal(),
};

}  // namespace

std::span<const BrokerOption> upkeep_options() { return kTable; }

}  // namespace tidelog::broker
