// Threads, sockets, metrics and plugins.
#include "broker/config/option_groups.h"

namespace tidelog::broker {
namespace {

using enum OptionType;

constexpr BrokerOption kTable[] = {
    inert({"background.threads", integer, "10", at_least(1)}, kOwnThreads, "Threads for background work.").cluster_wide(),
    inert({"num.io.threads", integer, "8", at_least(1)}, kOwnThreads, "Threads that serve requests.").cluster_wide(),
    inert({"num.network.threads", integer, "3", at_least(1)}, kOwnThreads, "Threads that read and write sockets.").cluster_wide(),
    inert({"queued.max.requests", integer, "500", at_least(1)}, kOwnSockets,
          "Requests that may wait to be served; here `queued.max.request.bytes` bounds them by size."),
    inert({"request.timeout.ms", integer, "30000", any_value()}, kOneNode, "Longest wait of this broker for an answer of another."),
    inert({"socket.connection.setup.timeout.max.ms", long_integer, "30000", any_value()}, kOneNode,
          "Longest wait for a connection to another broker."),
    inert({"socket.connection.setup.timeout.ms", long_integer, "10000", any_value()}, kOneNode,
          "First wait for a connection to another broker."),
    inert({"socket.listen.backlog.size", integer, "50", at_least(1)}, kOwnSockets, "Connections that may wait to be accepted."),
    inert({"socket.receive.buffer.bytes", integer, "102400", any_value()}, kOwnSockets,
          "Receive buffer of a connection; -1 leaves it to the system."),
    inert({"socket.send.buffer.bytes", integer, "102400", any_value()}, kOwnSockets,
          "Send buffer of a connection; -1 leaves it to the system."),
    inert({"max.connections.per.ip.overrides", text, "", any_value()}, kOwnSockets, "Connection limits of single addresses, as HOST:COUNT.")
        .cluster_wide(),
    inert({"alter.config.policy.class.name", class_name, "", any_value()}, kNoPlugins, "Class that may refuse changes of configs.")
        .nullable(),
    inert({"client.quota.callback.class", class_name, "", any_value()}, kNoPlugins, "Class that decides about client quotas.").nullable(),
    inert({"config.providers", list, "", any_value()}, kNoPlugins, "Names of classes that resolve placeholders in values.").cluster_wide(),
    inert({"create.topic.policy.class.name", class_name, "", any_value()}, kNoPlugins, "Class that may refuse new topics.").nullable(),
    inert({"kafka.metrics.polling.interval.secs", integer, "10", at_least(1)}, kNoPlugins,
          "How often metrics reporters of the old kind are asked."),
    inert({"kafka.metrics.reporters", list, "", any_value()}, kNoPlugins, "Metrics reporter classes of the old kind."),
    inert({"metric.reporters", list, "org.apache.kafka.common.metrics.JmxReporter", any_value()}, kNoPlugins, "Metrics reporter classes.")
        .cluster_wide(),
    inert({"metrics.num.samples", integer, "2", at_least(1)}, kNoMetrics, "Samples a metric is computed over."),
    inert({"metrics.recording.level", text, "INFO", any_value()}, kNoMetrics, "Which metrics are recorded: INFO, DEBUG or TRACE."),
    inert({"metrics.sample.window.ms", long_integer, "30000", at_least(1)}, kNoMetrics, "Length of such a sample."),
    inert({"telemetry.max.bytes", integer, "1048576", at_least(1)}, kNoMetrics, "Largest metrics push of a client."),
    inert({"controller.quota.window.num", integer, "11", at_least(1)}, kOneQuotaWindow,
          "Samples that quotas on changes of metadata are measured over."),
    inert({"controller.quota.window.size.seconds", integer, "1", at_least(1)}, kOneQuotaWindow, "Length of such a sample."),
    inert({"server.max.startup.time.ms", long_integer, "9223372036854775807", at_least(0)}, kOwnWay,
          "Longest time from start to ready before the process gives up.")
        .internal(),
    inert({"unstable.api.versions.enable", boolean, "false", any_value()}, kOwnWay, "Offer request versions that are not final.")
        .internal(),
};

}  // namespace

std::span<const BrokerOption> process_options() { return kTable; }

}  // namespace tidelog::broker
