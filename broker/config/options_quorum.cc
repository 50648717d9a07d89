// The metadata quorum and its controllers.
#include "broker/config/option_groups.h"

#include <array>

namespace tidelog::broker {
namespace {

using enum OptionType;

constexpr std::array<std::string_view, 2> kProcessRoles{"broker", "controller"};

constexpr BrokerOption kTable[] = {
    inert({"broker.heartbeat.interval.ms", integer, "2000", any_value()}, kOneNode, "How often a broker reports to the controller."),
    inert({"broker.session.timeout.ms", integer, "9000", any_value()}, kOneNode, "Silence after which the controller gives a broker up."),
    inert({"controller.performance.always.log.threshold.ms", long_integer, "2000", at_least(0)}, kOwnWay,
          "A controller event slower than this is logged.")
        .internal(),
    inert({"controller.performance.sample.period.ms", long_integer, "60000", at_least(100)}, kOwnWay,
          "How often the controller sums up its timing in the log.")
        .internal(),
    inert({"controller.quorum.append.linger.ms", integer, "25", at_least(0)}, kOneNode,
          "How long the controller collects records for one write."),
    inert({"controller.quorum.auto.join.enable", boolean, "false", any_value()}, kOneNode, "Let a controller add itself to the voters."),
    inert({"controller.quorum.bootstrap.servers", list, "", any_value()}, kOneNode, "Controllers to ask for the quorum at start."),
    inert({"controller.quorum.election.backoff.max.ms", integer, "1000", at_least(0)}, kOneNode,
          "Longest random wait before another election."),
    inert({"controller.quorum.election.timeout.ms", integer, "1000", at_least(0)}, kOneNode, "How long an election may take."),
    inert({"controller.quorum.fetch.max.bytes", integer, "1048576", at_least(1)}, kOneNode, "Most metadata bytes in one fetch of a voter."),
    inert({"controller.quorum.fetch.snapshot.max.bytes", integer, "1048576", at_least(1)}, kOneNode,
          "Most snapshot bytes in one fetch of a voter."),
    inert({"controller.quorum.fetch.timeout.ms", integer, "2000", at_least(0)}, kOneNode,
          "Silence of the leader after which a voter stands for election."),
    inert({"controller.quorum.request.timeout.ms", integer, "2000", at_least(0)}, kOneNode,
          "Longest wait for an answer within the quorum."),
    inert({"controller.quorum.retry.backoff.ms", integer, "20", at_least(0)}, kOneNode,
          "Wait before a request within the quorum is repeated."),
    inert({"controller.quorum.voters", list, "", any_value()}, kOneNode, "The voters as ID@HOST:PORT."),
    inert({"controller.socket.timeout.ms", integer, "30000", any_value()}, kOneNode,
          "Longest silence of a connection between broker and controller."),
    inert({"early.start.listeners", list, "", any_value()}, kOneNode, "Listeners that open before the broker is ready.").nullable(),
    inert({"initial.broker.registration.timeout.ms", integer, "60000", any_value()}, kOneNode,
          "How long a broker tries to register before it gives up."),
    inert({"inter.broker.listener.name", text, "", any_value()}, kOneNode, "Which listener brokers use among themselves.").nullable(),
    inert({"leader.imbalance.check.interval.seconds", long_integer, "300", at_least(1)}, kOneNode,
          "How often leaders are moved back to preferred replicas."),
    inert({"metadata.log.max.record.bytes.between.snapshots", long_integer, "20971520", at_least(1)}, kOwnWay,
          "New metadata bytes after which a snapshot is written."),
    inert({"metadata.log.max.snapshot.interval.ms", long_integer, "3600000", at_least(0)}, kOwnWay,
          "Longest time without a snapshot when there is something new."),
    inert({"metadata.log.segment.bytes", integer, "1073741824", at_least(8388608)}, kOwnWay, "Segment size of the metadata log."),
    inert({"metadata.log.segment.ms", long_integer, "604800000", any_value()}, kOwnWay,
          "Age at which a segment of the metadata log is closed."),
    inert({"metadata.max.idle.interval.ms", integer, "500", at_least(0)}, kOwnWay,
          "How often an idle controller writes a record to show it is alive."),
    inert({"metadata.max.retention.bytes", long_integer, "104857600", any_value()}, kOwnWay,
          "Size of metadata log and snapshots above which old ones go."),
    inert({"metadata.max.retention.ms", long_integer, "604800000", any_value()}, kOwnWay,
          "Age at which metadata log segments and snapshots go."),
    inert({"process.roles", list, "", any_value()}, kOneNode, "`broker`, `controller` or both. This process is both.")
        .one_of(kProcessRoles)
        .required()
        .nullable(),
    inert({"auto.leader.rebalance.enable", boolean, "true", any_value()}, kOneNode, "Move leaders back to preferred replicas."),
    inert({"controlled.shutdown.enable", boolean, "true", any_value()}, kOneNode, "Hand leadership over before stopping."),
    inert({"internal.metadata.delete.delay.millis", long_integer, "60000", any_value()}, kOwnWay,
          "Time between dropping a metadata file and unlinking it.")
        .internal(),
    inert({"internal.metadata.log.segment.bytes", integer, "", any_value()}, kOwnWay,
          "As `metadata.log.segment.bytes`, without its lower limit.")
        .nullable()
        .internal(),
    inert({"internal.metadata.max.batch.size.in.bytes", integer, "8388608", any_value()}, kOwnWay, "Largest batch of metadata records.")
        .internal(),
    inert({"unclean.leader.election.interval.ms", long_integer, "300000", at_least(1)}, kOneNode,
          "How often partitions without a leader are looked for that may be led uncleanly.")
        .internal(),
    inert({"unstable.feature.versions.enable", boolean, "false", any_value()}, kOneNode, "Offer feature levels that are not final.")
        .internal(),
};

}  // namespace

std::span<const BrokerOption> quorum_options() { return kTable; }

}  // namespace tidelog::broker
