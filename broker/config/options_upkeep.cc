// How logs are cleaned, flushed and tidied.
#include "broker/config/option_groups.h"

namespace tidelog::broker {
namespace {

using enum OptionType;
using B = BrokerOptions;

constexpr BrokerOption kTable[] = {
    inert({"compression.gzip.level", integer, "-1", between(-1, 9)}, kNoRecompression, "Level, should the broker compress by gzip.")
        .cluster_wide(),
    inert({"compression.lz4.level", integer, "9", between(1, 17)}, kNoRecompression, "Level, should the broker compress by lz4.")
        .cluster_wide(),
    inert({"compression.zstd.level", integer, "3", between(-131072, 22)}, kNoRecompression, "Level, should the broker compress by zstd.")
        .cluster_wide(),
    option<&B::log_cleaner_backoff_ms>("log.cleaner.backoff.ms", at_least(0), "Pause of compaction when there is nothing to do.")
        .cluster_wide(),
    option<&B::log_cleaner_dedupe_buffer_size>(
        "log.cleaner.dedupe.buffer.size", any_value(),
        "Memory for the keys of compaction, of all threads together; 16 bytes a key, and 1 MiB a thread at "
        "least. Taken while a log is cleaned, and no more than its keys need; keys that do not fit are "
        "left to further passes over the log.")
        .cluster_wide(),
    option<&B::log_cleaner_enable>("log.cleaner.enable", any_value(), "Compact topics whose policy says so."),
    option<&B::log_cleaner_io_buffer_load_factor>("log.cleaner.io.buffer.load.factor", any_value(),
                                                  "How full the key table of compaction may get, 0.05 to 0.95.")
        .cluster_wide(),
    option<&B::log_cleaner_io_buffer_size>(
        "log.cleaner.io.buffer.size", at_least(0),
        "Buffers for reading and writing during compaction, of all threads together; 16 KiB a thread at least.")
        .cluster_wide(),
    option<&B::log_cleaner_io_max_bytes_per_second>("log.cleaner.io.max.bytes.per.second", any_value(),
                                                    "Bytes a second that compaction may read and write, all threads together.")
        .cluster_wide(),
    option<&B::log_cleaner_threads>("log.cleaner.threads", at_least(0), "How many logs are compacted at a time.").cluster_wide(),
    option<&B::log_scrub_interval_ms>("log.scrub.interval.ms", at_least(-1),
                                      "How often every log is read again and its checksums compared, so that bytes that rotted on the disk "
                                      "are found before somebody needs them. 0 or -1: never.")
        .ours()
        .cluster_wide(),
    option<&B::log_scrub_max_bytes_per_second>("log.scrub.max.bytes.per.second", at_least(1), "Bytes a second that this reads.")
        .ours()
        .cluster_wide(),
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
