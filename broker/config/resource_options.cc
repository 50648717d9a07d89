#include "broker/config/resource_options.h"

#include "broker/config/option_groups.h"
#include "broker/config/topic_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace tidelog::broker {
namespace {

using enum OptionType;

constexpr std::array<std::string_view, 2> kIsolationLevels{"read_committed", "read_uncommitted"};

struct Row : ResourceOption {
  constexpr Row one_of(std::span<const std::string_view> choices) const {
    Row copy = *this;
    copy.rules.choices = choices;
    return copy;
  }
  constexpr Row nullable() const {
    Row copy = *this;
    copy.is_nullable = true;
    return copy;
  }
  constexpr Row internal() const {
    Row copy = *this;
    copy.is_internal = true;
    return copy;
  }
};

constexpr Row row(const Bare& bare, std::string_view why, std::string_view doc) {
  Row made = describe_bare<Row>(bare, why, doc);
  made.update = OptionUpdate::cluster_wide;
  made.synonym = bare.synonym;
  return made;
}

constexpr ResourceOption kGroup[] = {
    row({"consumer.assignment.interval.ms", integer, "1000", at_least(0), "group.consumer.assignment.interval.ms"}, {},
        "Least time between two assignments of the group; 0: none."),
    row({"consumer.assignor.offload.enable", boolean, "true", any_value(), "group.consumer.assignor.offload.enable"}, kOwnWay,
        "Compute assignments away from the coordinator's thread.")
        .internal(),
    row({"consumer.heartbeat.interval.ms", integer, "5000", at_least(1), "group.consumer.heartbeat.interval.ms"}, {},
        "How often members are told to report."),
    row({"consumer.session.timeout.ms", integer, "45000", at_least(1), "group.consumer.session.timeout.ms"}, {},
        "Silence after which a member is dropped."),
    row({"errors.deadletterqueue.copy.record.enable", boolean, "false", any_value()}, kNoShare,
        "Write the record itself to the dead letter topic, not only where it was."),
    row({"errors.deadletterqueue.topic.name", text, "", any_value()}, kNoShare, "Topic for records that were given up; empty: none."),
    row({"share.assignment.interval.ms", integer, "1000", at_least(0), "group.share.assignment.interval.ms"}, kNoShare,
        "Least time between two assignments of the group."),
    row({"share.assignor.offload.enable", boolean, "true", any_value(), "group.share.assignor.offload.enable"}, kNoShare,
        "Compute assignments away from the coordinator's thread.")
        .internal(),
    row({"share.auto.offset.reset", text, "latest", any_value()}, kNoShare,
        "Where a share group begins: `latest`, `earliest` or `by_duration:` and an ISO 8601 duration."),
    row({"share.delivery.count.limit", integer, "5", at_least(2), "group.share.delivery.count.limit"}, kNoShare,
        "How often a record is delivered before it is given up."),
    row({"share.heartbeat.interval.ms", integer, "5000", at_least(1), "group.share.heartbeat.interval.ms"}, kNoShare,
        "How often members are told to report."),
    row({"share.isolation.level", text, "read_uncommitted", any_value()}, kNoShare, "Whether records of open transactions are delivered.")
        .one_of(kIsolationLevels),
    row({"share.partition.max.record.locks", integer, "2000", at_least(100), "group.share.partition.max.record.locks"}, kNoShare,
        "Records of one partition that may be delivered and unanswered."),
    row({"share.record.lock.duration.ms", integer, "30000", at_least(1000), "group.share.record.lock.duration.ms"}, kNoShare,
        "How long a delivered record is kept from other members."),
    row({"share.renew.acknowledge.enable", boolean, "true", any_value()}, kNoShare, "Let a member ask for more time for a record."),
    row({"share.session.timeout.ms", integer, "45000", at_least(1), "group.share.session.timeout.ms"}, kNoShare,
        "Silence after which a member is dropped."),
    row({"streams.acceptable.recovery.lag", long_integer, "10000", at_least(0), "group.streams.acceptable.recovery.lag"}, kNoStreams,
        "Records a task may lag and still count as caught up.")
        .internal(),
    row({"streams.assignment.interval.ms", integer, "1000", at_least(0), "group.streams.assignment.interval.ms"}, kNoStreams,
        "Least time between two assignments of the group."),
    row({"streams.assignor.name", text, "", any_value(), "group.streams.assignors"}, kNoStreams,
        "The server-side assignor; unset: the first of the broker.")
        .nullable(),
    row({"streams.assignor.offload.enable", boolean, "true", any_value(), "group.streams.assignor.offload.enable"}, kNoStreams,
        "Compute assignments away from the coordinator's thread.")
        .internal(),
    row({"streams.heartbeat.interval.ms", integer, "5000", at_least(1), "group.streams.heartbeat.interval.ms"}, kNoStreams,
        "How often members are told to report."),
    row({"streams.initial.rebalance.delay.ms", integer, "3000", at_least(0), "group.streams.initial.rebalance.delay.ms"}, kNoStreams,
        "Wait for more members of a new group."),
    row({"streams.num.standby.replicas", integer, "0", at_least(0), "group.streams.num.standby.replicas"}, kNoStreams,
        "Standby copies of each task."),
    row({"streams.num.warmup.replicas", integer, "2", at_least(0), "group.streams.num.warmup.replicas"}, kNoStreams,
        "Tasks that are warmed up at once.")
        .internal(),
    row({"streams.rack.aware.assignment.tags", list, "", any_value(), "group.streams.rack.aware.assignment.tags"}, kNoStreams,
        "Client tags over which standby copies are spread."),
    row({"streams.session.timeout.ms", integer, "45000", at_least(1), "group.streams.session.timeout.ms"}, kNoStreams,
        "Silence after which a member is dropped."),
    row({"streams.task.offset.interval.ms", integer, "60000", at_least(1), "group.streams.task.offset.interval.ms"}, kNoStreams,
        "How often members report task offsets.")
        .internal(),
};

constexpr ResourceOption kClientMetrics[] = {
    row({"interval.ms", integer, "300000", between(100, 3600000)}, kNoMetrics, "How often matching clients push their metrics."),
    row({"match", list, "", any_value()}, kNoMetrics, "Which clients: NAME=PATTERN pairs."),
    row({"metrics", list, "", any_value()}, kNoMetrics, "Prefixes of the metrics that are pushed; `*` for all."),
};

constexpr ResourceOption kQuota[] = {
    row({"SCRAM-SHA-256", text, "", any_value()}, kNoSasl, "Credential for SCRAM-SHA-256.").nullable(),
    row({"SCRAM-SHA-512", text, "", any_value()}, kNoSasl, "Credential for SCRAM-SHA-512.").nullable(),
    row({"consumer_byte_rate", long_integer, "9223372036854775807", any_value()}, {}, "Bytes a second that may be fetched."),
    row({"controller_mutation_rate", real, "2.147483647E9", any_value()}, {}, "Partitions a second that may be created or deleted."),
    row({"producer_byte_rate", long_integer, "9223372036854775807", any_value()}, {}, "Bytes a second that may be produced."),
    row({"request_percentage", real, "2.147483647E9", any_value()}, {},
        "Share of the time of event loops, in percent of one loop: docs/limits.md says what counts."),
};

constexpr ResourceOption kAddress[] = {
    row({"connection_creation_rate", integer, "2147483647", at_least(0)}, {}, "New connections a second from the address."),
};

/// A duration is looked at only as far as telling it from a typo.
bool is_offset_reset(std::string_view text) { return text == "latest" || text == "earliest" || text.starts_with("by_duration:P"); }

/// The broker's own bound for a group's key: group.consumer.max.session.timeout.ms for consumer.session.timeout.ms. A key without a dot, as
/// subscriptions have, is bounded by nothing.
std::optional<std::string> bound_of(const BrokerOptions& options, std::string_view key, std::string_view which) {
  const std::size_t dot = key.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  std::string name = "group.";
  name.append(key.substr(0, dot)).append(".").append(which).append(key.substr(dot));
  const BrokerOption* bound = find_broker_option(name);
  return bound == nullptr ? std::nullopt : std::optional(bound->print(options));
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

ConfigError bad_value(std::string_view key, std::string_view value, std::string_view why) {
  return {.key = std::string(key), .message = fmt::format("\"{}\" is not valid for {}: {}", value, key, why), .hint = ""};
}

Result<void, ConfigError> check_bounds(const BrokerOptions& options, const ResourceOption& row, std::string_view value) {
  const auto low = bound_of(options, row.key, "min");
  const auto high = bound_of(options, row.key, "max");
  if (low && number(trim(value)) < number(*low)) return bad_value(row.key, value, fmt::format("the broker allows no less than {}", *low));
  if (high && number(trim(value)) > number(*high))
    return bad_value(row.key, value, fmt::format("the broker allows no more than {}", *high));
  return {};
}

Result<void, ConfigError> check_config(const BrokerOptions& options, const ResourceOption& row, std::string_view value) {
  if (ValueResult ok = check_value(row.type, value, row.rules); !ok) return bad_value(row.key, value, ok.error());
  if (row.key == "share.auto.offset.reset" && !is_offset_reset(trim(value))) {
    return bad_value(row.key, value, "allowed: latest, earliest, by_duration: and a duration such as PT1H");
  }
  return check_bounds(options, row, value);
}

/// A session that ends before the next heartbeat is due drops a member that does what it is told. What is not set is the broker's.
Result<void, ConfigError> check_sessions(const BrokerOptions& options, const ConfigMap& configs) {
  for (const std::string_view protocol : {"consumer", "share", "streams"}) {
    const std::string session = fmt::format("{}.session.timeout.ms", protocol);
    const std::string heartbeat = fmt::format("{}.heartbeat.interval.ms", protocol);
    if (!configs.contains(session) && !configs.contains(heartbeat)) continue;
    const auto in_force = [&](const std::string& key) {
      const auto own = configs.find(key);
      return own != configs.end() ? std::string(trim(own->second)) : find_broker_option("group." + key)->print(options);
    };
    if (number(in_force(session)) > number(in_force(heartbeat))) continue;
    return ConfigError{
        .key = session,
        .message = fmt::format("{}={} must be greater than {}={}", session, in_force(session), heartbeat, in_force(heartbeat)),
        .hint = "a member would be dropped before its next heartbeat is due"};
  }
  return {};
}

ConfigError unknown_key(std::span<const ResourceOption> table, std::string_view key, Suggestions& suggestions) {
  const std::string_view meant = suggestions.closest_key(key, table);
  return {.key = std::string(key),
          .message = fmt::format("\"{}\" is not a config of this kind of resource", key),
          .hint = meant.empty() ? "see docs/configuration.md" : fmt::format("did you mean {}?", meant)};
}

}  // namespace

std::span<const ResourceOption> group_options() { return kGroup; }
std::span<const ResourceOption> client_metrics_options() { return kClientMetrics; }
std::span<const ResourceOption> quota_options() { return kQuota; }
std::span<const ResourceOption> address_options() { return kAddress; }

const ResourceOption* find_resource_option(std::span<const ResourceOption> table, std::string_view key) {
  const auto found = std::ranges::find(table, key, &ResourceOption::key);
  return found == table.end() ? nullptr : &*found;
}

Result<void, ConfigError> validate_resource_configs(const BrokerOptions& options, std::span<const ResourceOption> table,
                                                    const std::map<std::string, std::string>& configs, Suggestions& suggestions) {
  for (const auto& [key, value] : configs) {
    const ResourceOption* row = find_resource_option(table, key);
    if (row == nullptr) return unknown_key(table, key, suggestions);
    if (Result<void, ConfigError> ok = check_config(options, *row, value); !ok) return ok;
  }
  return check_sessions(options, configs);
}

Result<void, ConfigError> validate_resource_config(const BrokerOptions& options, std::span<const ResourceOption> table,
                                                   std::string_view key, std::string_view value) {
  Suggestions suggestions;
  return validate_resource_configs(options, table, {{std::string(key), std::string(value)}}, suggestions);
}

}  // namespace tidelog::broker
