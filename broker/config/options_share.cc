// Share groups and their dead letters.
#include "broker/config/option_groups.h"

namespace tidelog::broker {
namespace {

using enum OptionType;

constexpr BrokerOption kTable[] = {
    inert({"group.share.assignment.interval.ms", integer, "1000", at_least(0)}, kNoShare,
          "Least time between two assignments of one share group.")
        .cluster_wide(),
    inert({"group.share.assignor.offload.enable", boolean, "true", any_value()}, kNoShare,
          "Compute assignments of share groups away from the coordinator's thread.")
        .cluster_wide()
        .internal(),
    inert({"group.share.assignors", list, "simple", any_value()}, kNoShare, "Server-side assignors of share groups."),
    inert({"group.share.delivery.count.limit", integer, "5", between(2, 10)}, kNoShare,
          "How often a record is delivered before it is given up."),
    inert({"group.share.dlq.manager.class.name", text, "org.apache.kafka.server.share.dlq.DefaultShareGroupDLQManager", any_value()},
          kNoShare, "Class that writes records that were given up to their dead letter topic.")
        .internal(),
    inert({"group.share.heartbeat.interval.ms", integer, "5000", at_least(1)}, kNoShare,
          "How often members of share groups are told to report."),
    inert({"group.share.initialize.retry.interval.ms", integer, "30000", at_least(1)}, kNoShare,
          "Wait before the state of a share group is set up once more.")
        .internal(),
    inert({"group.share.max.assignment.interval.ms", integer, "15000", at_least(0)}, kNoShare,
          "Largest assignment interval a share group may set."),
    inert({"group.share.max.delivery.count.limit", integer, "10", between(5, 25)}, kNoShare,
          "Largest delivery limit a share group may set."),
    inert({"group.share.max.heartbeat.interval.ms", integer, "15000", at_least(1)}, kNoShare,
          "Largest heartbeat interval a share group may set."),
    inert({"group.share.max.partition.max.record.locks", integer, "4000", between(2000, 10000)}, kNoShare,
          "Largest number of locked records a share group may set."),
    inert({"group.share.max.record.lock.duration.ms", integer, "60000", between(30000, 3600000)}, kNoShare,
          "Longest record lock a share group may set."),
    inert({"group.share.max.session.timeout.ms", integer, "60000", at_least(1)}, kNoShare,
          "Largest session timeout a share group may set."),
    inert({"group.share.max.share.sessions", integer, "2000", at_least(1)}, kNoShare, "Share sessions one broker keeps."),
    inert({"group.share.max.size", integer, "200", between(1, 1000)}, kNoShare, "Members one share group may have."),
    inert({"group.share.min.assignment.interval.ms", integer, "0", at_least(0)}, kNoShare,
          "Smallest assignment interval a share group may set."),
    inert({"group.share.min.delivery.count.limit", integer, "2", between(2, 5)}, kNoShare,
          "Smallest delivery limit a share group may set."),
    inert({"group.share.min.heartbeat.interval.ms", integer, "5000", at_least(1)}, kNoShare,
          "Smallest heartbeat interval a share group may set."),
    inert({"group.share.min.partition.max.record.locks", integer, "100", between(100, 2000)}, kNoShare,
          "Smallest number of locked records a share group may set."),
    inert({"group.share.min.record.lock.duration.ms", integer, "15000", between(1000, 30000)}, kNoShare,
          "Shortest record lock a share group may set."),
    inert({"group.share.min.session.timeout.ms", integer, "45000", at_least(1)}, kNoShare,
          "Smallest session timeout a share group may set."),
    inert({"group.share.partition.max.record.locks", integer, "2000", between(100, 10000)}, kNoShare,
          "Records of one partition that may be delivered and unanswered."),
    inert({"group.share.persister.class.name", text, "org.apache.kafka.server.share.persister.DefaultStatePersister", any_value()},
          kNoShare, "Class that stores the state of share groups.")
        .internal(),
    inert({"group.share.record.lock.duration.ms", integer, "30000", between(1000, 3600000)}, kNoShare,
          "How long a delivered record is kept from other members."),
    inert({"group.share.session.timeout.ms", integer, "45000", at_least(1)}, kNoShare,
          "Silence after which a member of a share group is dropped."),
    inert({"share.coordinator.append.linger.ms", integer, "-1", at_least(-1)}, kNoShare,
          "How long the share coordinator collects records for one write; -1 lets it decide."),
    inert({"share.coordinator.cached.buffer.max.bytes", integer, "1048588", at_least(524288)}, kNoShare,
          "Largest write buffer the share coordinator keeps for reuse.")
        .cluster_wide(),
    inert({"share.coordinator.cold.partition.snapshot.interval.ms", integer, "300000", at_least(1)}, kNoShare,
          "How often the state of a quiet share partition is written whole.")
        .internal(),
    inert({"share.coordinator.load.buffer.size", integer, "5242880", at_least(1)}, kNoShare,
          "Bytes read at a time while share state is loaded."),
    inert({"share.coordinator.snapshot.update.records.per.snapshot", integer, "500", between(0, 500)}, kNoShare,
          "Changes after which share state is written whole."),
    inert({"share.coordinator.state.topic.compression.codec", integer, "0", any_value()}, kNoShare,
          "Codec of the share state topic: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
    inert({"share.coordinator.state.topic.min.isr", short_integer, "2", at_least(1)}, kNoShare,
          "In-sync replicas the share state topic needs."),
    inert({"share.coordinator.state.topic.num.partitions", integer, "50", at_least(1)}, kNoShare, "Partitions of the share state topic."),
    inert({"share.coordinator.state.topic.prune.interval.ms", integer, "300000", at_least(1)}, kNoShare,
          "How often share state that nobody needs is deleted.")
        .internal(),
    inert({"share.coordinator.state.topic.replication.factor", short_integer, "3", at_least(1)}, kNoShare,
          "Replicas of the share state topic."),
    inert({"share.coordinator.state.topic.segment.bytes", integer, "104857600", at_least(1)}, kNoShare,
          "Segment size of the share state topic."),
    inert({"share.coordinator.threads", integer, "1", at_least(1)}, kNoShare, "Threads of the share coordinator."),
    inert({"share.coordinator.write.timeout.ms", integer, "5000", at_least(1)}, kNoShare, "Longest wait for share state to be stored."),
    inert({"share.fetch.purgatory.purge.interval.requests", integer, "1000", any_value()}, kNoShare,
          "Finished share fetches after which waiting lists are tidied."),
    inert({"errors.deadletterqueue.auto.create.topics.enable", boolean, "false", any_value()}, kNoShare,
          "Create dead letter topics of share groups when they are first needed.")
        .cluster_wide(),
    inert({"errors.deadletterqueue.topic.name.prefix", text, "dlq.", any_value()}, kNoShare,
          "How the name of every dead letter topic begins.")
        .cluster_wide(),
};

}  // namespace

std::span<const BrokerOption> share_options() { return kTable; }

}  // namespace tidelog::broker
