// Consumer and streams groups.
#include "broker/config/option_groups.h"

#include <array>

namespace tidelog::broker {
namespace {

using enum OptionType;
using B = BrokerOptions;

constexpr std::array<std::string_view, 4> kGroupConsumerMigrationPolicy{"DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"};
constexpr std::array<std::string_view, 4> kGroupCoordinatorRebalanceProtocols{"consumer", "classic", "share", "streams"};

constexpr BrokerOption kTable[] = {
    option<&B::group_initial_rebalance_delay_ms>("group.initial.rebalance.delay.ms", at_least(0), "Wait for more members of a new group."),
    option<&B::group_min_session_timeout_ms>("group.min.session.timeout.ms", at_least(1), "Shortest session a group member may ask for."),
    option<&B::group_max_session_timeout_ms>("group.max.session.timeout.ms", at_least(1), "Longest session a group member may ask for."),
    option<&B::offsets_topic_replication_factor>("offsets.topic.replication.factor", between(1, 32767),
                                                 "Replicas of `__consumer_offsets`; shrinks to the nodes there are.")
        .short_integer(),
    option<&B::offsets_topic_num_partitions>("offsets.topic.num.partitions", between(1, 100000), "Partitions of `__consumer_offsets`."),
    option<&B::offsets_topic_segment_bytes>("offsets.topic.segment.bytes", at_least(1 << 20), "Segment size of `__consumer_offsets`."),
    option<&B::offsets_retention_minutes>("offsets.retention.minutes", at_least(1), "How long offsets of a dead group are kept."),
    option<&B::group_consumer_assignment_interval_ms>("group.consumer.assignment.interval.ms", at_least(0),
                                                      "Least time between two assignments of one consumer group; 0: none.")
        .cluster_wide(),
    inert({"group.consumer.assignor.offload.enable", boolean, "true", any_value()}, kOwnWay,
          "Compute assignments of consumer groups away from the coordinator's thread.")
        .cluster_wide()
        .internal(),
    option<&B::group_consumer_assignors>("group.consumer.assignors", any_value(),
                                         "Server-side assignors of consumer groups, the preferred one first."),
    option<&B::group_consumer_heartbeat_interval_ms>("group.consumer.heartbeat.interval.ms", at_least(1),
                                                     "How often members of consumer groups are told to report."),
    option<&B::group_consumer_max_assignment_interval_ms>("group.consumer.max.assignment.interval.ms", at_least(0),
                                                          "Largest `consumer.assignment.interval.ms` a group may set."),
    option<&B::group_consumer_max_heartbeat_interval_ms>("group.consumer.max.heartbeat.interval.ms", at_least(1),
                                                         "Largest heartbeat interval a consumer group may set."),
    option<&B::group_consumer_max_session_timeout_ms>("group.consumer.max.session.timeout.ms", at_least(1),
                                                      "Largest session timeout a consumer group may set."),
    option<&B::group_consumer_max_size>("group.consumer.max.size", at_least(1), "Members one consumer group may have."),
    option<&B::group_consumer_migration_policy>("group.consumer.migration.policy", any_value(),
                                                "Which way a group may move between the classic and the consumer protocol while it runs.")
        .one_of(kGroupConsumerMigrationPolicy)
        .in_any_case(),
    option<&B::group_consumer_min_assignment_interval_ms>("group.consumer.min.assignment.interval.ms", at_least(0),
                                                          "Smallest `consumer.assignment.interval.ms` a group may set."),
    option<&B::group_consumer_min_heartbeat_interval_ms>("group.consumer.min.heartbeat.interval.ms", at_least(1),
                                                         "Smallest heartbeat interval a consumer group may set."),
    option<&B::group_consumer_min_session_timeout_ms>("group.consumer.min.session.timeout.ms", at_least(1),
                                                      "Smallest session timeout a consumer group may set."),
    inert({"group.consumer.regex.refresh.interval.ms", integer, "600000", at_least(10000)}, kOwnWay,
          "How often a subscription by pattern looks for new topics.")
        .internal(),
    option<&B::group_consumer_session_timeout_ms>("group.consumer.session.timeout.ms", at_least(1),
                                                  "Silence after which a member of a consumer group is dropped."),
    inert({"group.coordinator.append.linger.ms", integer, "-1", at_least(-1)}, kOwnWay,
          "How long the group coordinator collects records for one write; -1 lets it decide."),
    inert({"group.coordinator.background.threads", integer, "2", at_least(1)}, kOwnWay, "Threads for slow work of the group coordinator."),
    inert({"group.coordinator.cached.buffer.max.bytes", integer, "1048588", at_least(524288)}, kOwnWay,
          "Largest write buffer the group coordinator keeps for reuse.")
        .cluster_wide(),
    inert({"group.coordinator.rebalance.protocols", list, "classic,consumer,streams", any_value()}, kOwnWay,
          "Group protocols that are offered.")
        .one_of(kGroupCoordinatorRebalanceProtocols),
    inert({"group.coordinator.threads", integer, "4", at_least(1)}, kOwnWay, "Threads of the group coordinator."),
    option<&B::group_max_size>("group.max.size", at_least(1), "Members one classic group may have."),
    option<&B::offset_metadata_max_bytes>("offset.metadata.max.bytes", any_value(),
                                          "Largest note that a client may store beside a committed offset."),
    option<&B::offsets_commit_timeout_ms>("offsets.commit.timeout.ms", at_least(1), "Longest wait for a commit to be stored."),
    option<&B::offsets_load_buffer_size>("offsets.load.buffer.size", at_least(1),
                                         "Bytes read at a time while committed offsets are loaded."),
    option<&B::offsets_retention_check_interval_ms>("offsets.retention.check.interval.ms", at_least(1),
                                                    "How often expired offsets are looked for."),
    inert({"offsets.topic.compression.codec", integer, "0", any_value()}, kOwnWay,
          "Codec of the offsets topic: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd."),
    inert({"group.streams.acceptable.recovery.lag", long_integer, "10000", at_least(0)}, kNoStreams,
          "Records a task may lag and still count as caught up.")
        .internal(),
    inert({"group.streams.assignment.interval.ms", integer, "1000", at_least(0)}, kNoStreams,
          "Least time between two assignments of one streams group.")
        .cluster_wide(),
    inert({"group.streams.assignor.offload.enable", boolean, "true", any_value()}, kNoStreams,
          "Compute assignments of streams groups away from the coordinator's thread.")
        .cluster_wide()
        .internal(),
    inert({"group.streams.assignors", list, "sticky", any_value()}, kNoStreams,
          "Server-side assignors of streams groups, the preferred one first."),
    inert({"group.streams.heartbeat.interval.ms", integer, "5000", at_least(1)}, kNoStreams,
          "How often members of streams groups are told to report."),
    inert({"group.streams.initial.rebalance.delay.ms", integer, "3000", at_least(0)}, kNoStreams,
          "Wait for more members of a new streams group."),
    inert({"group.streams.max.assignment.interval.ms", integer, "15000", at_least(0)}, kNoStreams,
          "Largest assignment interval a streams group may set."),
    inert({"group.streams.max.heartbeat.interval.ms", integer, "15000", at_least(1)}, kNoStreams,
          "Largest heartbeat interval a streams group may set."),
    inert({"group.streams.max.session.timeout.ms", integer, "60000", at_least(1)}, kNoStreams,
          "Largest session timeout a streams group may set."),
    inert({"group.streams.max.size", integer, "2147483647", at_least(1)}, kNoStreams, "Members one streams group may have."),
    inert({"group.streams.max.standby.replicas", integer, "2", at_least(0)}, kNoStreams,
          "Most standby copies of a task a streams group may ask for."),
    inert({"group.streams.max.warmup.replicas", integer, "20", at_least(0)}, kNoStreams, "Most tasks a streams group may warm up at once.")
        .internal(),
    inert({"group.streams.min.assignment.interval.ms", integer, "0", at_least(0)}, kNoStreams,
          "Smallest assignment interval a streams group may set."),
    inert({"group.streams.min.heartbeat.interval.ms", integer, "5000", at_least(1)}, kNoStreams,
          "Smallest heartbeat interval a streams group may set."),
    inert({"group.streams.min.session.timeout.ms", integer, "45000", at_least(1)}, kNoStreams,
          "Smallest session timeout a streams group may set."),
    inert({"group.streams.min.task.offset.interval.ms", integer, "15000", at_least(1)}, kNoStreams,
          "Smallest task offset interval a streams group may set.")
        .internal(),
    inert({"group.streams.num.standby.replicas", integer, "0", at_least(0)}, kNoStreams, "Standby copies of each task."),
    inert({"group.streams.num.warmup.replicas", integer, "2", at_least(0)}, kNoStreams, "Tasks that are warmed up at once.").internal(),
    inert({"group.streams.rack.aware.assignment.tags", list, "", any_value()}, kNoStreams,
          "Client tags over which standby copies are spread."),
    inert({"group.streams.session.timeout.ms", integer, "45000", at_least(1)}, kNoStreams,
          "Silence after which a member of a streams group is dropped."),
    inert({"group.streams.task.offset.interval.ms", integer, "60000", at_least(1)}, kNoStreams,
          "How often members of streams groups report task offsets.")
        .internal(),
    inert({"group.streams.topology.description.plugin.class", class_name, "", any_value()}, kNoStreams,
          "Class that keeps the descriptions of topologies.")
        .nullable(),
};

}  // namespace

std::span<const BrokerOption> groups_options() { return kTable; }

}  // namespace tidelog::broker
