// Replicas of other brokers, and what is moved between log directories.
#include "broker/config/option_groups.h"

namespace tidelog::broker {
namespace {

using enum OptionType;
using B = BrokerOptions;

constexpr BrokerOption kTable[] = {
    option<&B::replica_lag_time_max_ms>("replica.lag.time.max.ms", at_least(1), "Lag after which a follower leaves the in-sync set.")
        .without_effect(kOneNode),
    inert({"follower.replication.throttled.rate", long_integer, "9223372036854775807", at_least(0)}, kOneNode,
          "Bytes a second that throttled followers may fetch.")
        .cluster_wide(),
    inert({"leader.replication.throttled.rate", long_integer, "9223372036854775807", at_least(0)}, kOneNode,
          "Bytes a second that leaders send to throttled followers.")
        .cluster_wide(),
    inert({"num.replica.fetchers", integer, "1", at_least(1)}, kOneNode, "Fetching threads for each leader broker.").cluster_wide(),
    inert({"replica.fetch.backoff.ms", integer, "1000", at_least(0)}, kOneNode, "Wait of a follower after a failed fetch."),
    inert({"replica.fetch.max.bytes", integer, "1048576", at_least(0)}, kOneNode, "Most bytes of one partition in a follower's fetch."),
    inert({"replica.fetch.min.bytes", integer, "1", any_value()}, kOneNode, "Bytes a follower's fetch waits for."),
    inert({"replica.fetch.response.max.bytes", integer, "10485760", at_least(0)}, kOneNode, "Most bytes in an answer to a follower."),
    inert({"replica.fetch.wait.max.ms", integer, "500", any_value()}, kOneNode, "Longest wait of a follower's fetch."),
    inert({"replica.high.watermark.checkpoint.interval.ms", long_integer, "5000", any_value()}, kOneNode,
          "How often high watermarks are written to disk."),
    inert({"replica.selector.class", text, "", any_value()}, kOneNode, "Class that chooses the replica a consumer shall read from.")
        .nullable(),
    inert({"replica.socket.receive.buffer.bytes", integer, "65536", any_value()}, kOneNode, "Receive buffer of connections to a leader."),
    inert({"replica.socket.timeout.ms", integer, "30000", any_value()}, kOneNode, "Longest silence of a connection to a leader."),
    inert({"replication.quota.window.num", integer, "11", at_least(1)}, kOneNode, "Samples that a replication quota is measured over."),
    inert({"replication.quota.window.size.seconds", integer, "1", at_least(1)}, kOneNode, "Length of such a sample."),
    inert({"alter.log.dirs.replication.quota.window.num", integer, "11", at_least(1)}, kNoMoves,
          "Samples that the quota for moving between directories is measured over."),
    inert({"alter.log.dirs.replication.quota.window.size.seconds", integer, "1", at_least(1)}, kNoMoves, "Length of such a sample."),
    inert({"cordoned.log.dirs", list, "", any_value()}, kNoCordons, "Directories that get no new partitions.").per_broker(),
    inert({"num.replica.alter.log.dirs.threads", integer, "", any_value()}, kNoMoves, "Threads that move partitions between directories.")
        .nullable(),
    inert({"replica.alter.log.dirs.io.max.bytes.per.second", long_integer, "9223372036854775807", at_least(0)}, kNoMoves,
          "Bytes a second for moving partitions between directories.")
        .cluster_wide(),
    inert({"log.dir.failure.timeout.ms", long_integer, "30000", at_least(1)}, kOneNode,
          "How long a broker may fail to report a failed directory before it stops."),
};

}  // namespace

std::span<const BrokerOption> replication_options() { return kTable; }

}  // namespace tidelog::broker
