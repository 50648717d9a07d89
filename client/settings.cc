#include "client/settings.h"

#include "client/text/edit_distance.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>

namespace tidelog {
namespace core {
namespace {

error bad_value(std::string_view key, std::string_view value, std::string_view expected) {
  std::string text = "\"";
  text.append(key).append("\" cannot be \"").append(value).append("\"");
  return error(errc::invalid_config, std::move(text)).set_hint("it is " + std::string(expected));
}

result<std::int64_t> parse_number(std::string_view key, std::string_view value, std::int64_t low, std::int64_t high) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (failed == std::errc{} && end == value.data() + value.size() && number >= low && number <= high) return number;
  return bad_value(key, value, "a number from " + std::to_string(low) + " to " + std::to_string(high));
}

using Set = result<void> (*)(Settings&, std::string_view key, std::string_view value);

template <auto member, std::int64_t low, std::int64_t high>
result<void> set_number(Settings& into, std::string_view key, std::string_view value) {
  const result<std::int64_t> number = parse_number(key, value, low, high);
  if (!number) return number.error();
  into.*member = std::remove_cvref_t<decltype(into.*member)>(*number);
  return {};
}

template <auto member>
result<void> set_bool(Settings& into, std::string_view key, std::string_view value) {
  if (value != "true" && value != "false") return bad_value(key, value, "true or false");
  into.*member = value == "true";
  return {};
}

template <auto member>
result<void> set_text(Settings& into, std::string_view, std::string_view value) {
  into.*member = value;
  return {};
}

result<void> set_bootstrap(Settings& into, std::string_view, std::string_view value) {
  into.bootstrap.clear();
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    result<Address> address = parse_address(value.substr(0, comma));
    if (!address) return address.error();
    into.bootstrap.push_back(*std::move(address));
    value = comma == std::string_view::npos ? std::string_view{} : value.substr(comma + 1);
  }
  return {};
}

result<void> set_acks(Settings& into, std::string_view key, std::string_view value) {
  if (value != "all" && value != "-1" && value != "0" && value != "1") return bad_value(key, value, "all, 1 or 0");
  into.acks = value == "0" ? 0 : value == "1" ? 1 : -1;
  return {};
}

result<void> set_codec(Settings& into, std::string_view key, std::string_view value) {
  const std::optional<proto::Codec> codec = proto::parse_codec(value);
  if (!codec) return bad_value(key, value, "none, gzip, snappy, lz4 or zstd");
  into.codec = *codec;
  return {};
}

result<void> set_reset(Settings& into, std::string_view key, std::string_view value) {
  if (value == "earliest" || value == "smallest" || value == "beginning")
    into.offset_reset = OffsetReset::earliest;
  else if (value == "latest" || value == "largest" || value == "end")
    into.offset_reset = OffsetReset::latest;
  else if (value == "none" || value == "error")
    into.offset_reset = OffsetReset::none;
  else
    return bad_value(key, value, "earliest, latest or none");
  return {};
}

result<void> set_group_protocol(Settings& into, std::string_view key, std::string_view value) {
  if (value != "classic" && value != "consumer") return bad_value(key, value, "classic or consumer");
  into.group_protocol = value == "consumer" ? GroupProtocol::consumer : GroupProtocol::classic;
  return {};
}

/// Java clients name classes; the last part of one says which.
std::optional<Assignor> assignor_of(std::string_view name) {
  if (name.ends_with(".RangeAssignor")) return Assignor::range;
  if (name.ends_with(".RoundRobinAssignor")) return Assignor::round_robin;
  if (name.ends_with(".CooperativeStickyAssignor")) return Assignor::cooperative_sticky;
  return find_assignor(name);
}

constexpr std::string_view kStrategies = "range, roundrobin, cooperative-sticky, or several, best first";

result<void> set_assignors(Settings& into, std::string_view key, std::string_view value) {
  into.assignors.clear();
  for (std::string_view left = value; !left.empty();) {
    const std::size_t comma = left.find(',');
    const std::optional<Assignor> assignor = assignor_of(left.substr(0, comma));
    if (!assignor) return bad_value(key, value, kStrategies);
    into.assignors.push_back(*assignor);
    left = comma == std::string_view::npos ? std::string_view{} : left.substr(comma + 1);
  }
  return into.assignors.empty() ? bad_value(key, value, kStrategies) : result<void>();
}

result<void> set_isolation(Settings&, std::string_view key, std::string_view value) {
  if (value == "read_uncommitted") return {};
  return bad_value(key, value, "read_uncommitted, until transactions are supported");
}

struct Key {
  std::string_view name;
  std::string_view alias;  ///< librdkafka's name for it.
  std::string_view fallback;
  std::string_view doc;
  Set set;
};

constexpr std::int64_t kInt = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kLong = std::numeric_limits<std::int64_t>::max() / 2;
using S = Settings;

constexpr std::array kKeys{
    Key{"acks", "request.required.acks", "all",
        "Who must have a record before it counts as written: all in-sync replicas, the leader (1), nobody (0).", set_acks},
    Key{"allow.auto.create.topics", "", "true", "Whether asking for a topic that does not exist may create it.",
        set_bool<&S::creates_topics>},
    Key{"auto.commit.interval.ms", "", "5000", "How often a member of a group commits by itself.",
        set_number<&S::commit_interval, 0, kInt>},
    Key{"auto.offset.reset", "", "",
        "Where to go on without an offset, or with one outside the partition: earliest, latest; none is an error. By default latest in a "
        "group, else none.",
        set_reset},
    Key{"batch.size", "", "16384", "Bytes of records that go together, before compression.", set_number<&S::batch_bytes, 1, kInt / 2>},
    Key{"bootstrap.servers", "metadata.broker.list", "", "Comma-separated host:port list to find the cluster by.", set_bootstrap},
    Key{"buffer.memory", "", "33554432", "Bytes of records that may wait to be written; then `send` waits.",
        set_number<&S::buffer_bytes, 1, kLong>},
    Key{"check.crcs", "", "true", "Whether checksums of fetched batches are checked.", set_bool<&S::checks_crcs>},
    Key{"client.id", "", "tidelog", "Name of this client in the broker's logs and quotas.", set_text<&S::client_id>},
    Key{"client.rack", "", "", "Where this client runs, for reading from a near replica; its group is told, too.",
        set_text<&S::client_rack>},
    Key{"compression.level", "", "", "The codec's level.", set_number<&S::codec_level, -131072, 22>},
    Key{"compression.type", "compression.codec", "none", "none, gzip, snappy, lz4 or zstd.", set_codec},
    Key{"default.api.timeout.ms", "", "60000", "How long a call waits for its answer, retries included.",
        set_number<&S::api_timeout, 0, kInt>},
    Key{"delivery.timeout.ms", "message.timeout.ms", "120000", "After this a record that is not written has failed.",
        set_number<&S::delivery_timeout, 1, kInt>},
    Key{"enable.idempotence", "", "true", "Whether retries may never write a record twice or out of order.", set_bool<&S::is_idempotent>},
    Key{"enable.auto.commit", "", "true", "Whether a member of a group commits by itself what it was given before.",
        set_bool<&S::commits_by_itself>},
    Key{"fetch.max.bytes", "", "52428800", "Bytes of one answer to a fetch.", set_number<&S::fetch_max_bytes, 0, kInt>},
    Key{"fetch.max.wait.ms", "fetch.wait.max.ms", "500", "How long a broker waits for fetch.min.bytes.",
        set_number<&S::fetch_max_wait, 0, kInt>},
    Key{"fetch.min.bytes", "", "1", "Bytes a broker gathers before it answers a fetch.", set_number<&S::fetch_min_bytes, 0, kInt>},
    Key{"group.id", "", "", "The group that subscribes.", set_text<&S::group_id>},
    Key{"group.instance.id", "", "", "What a member is known by over restarts: coming back in time, it keeps its partitions.",
        set_text<&S::group_instance_id>},
    Key{"group.protocol", "", "classic", "Who shares out the partitions: the members (classic) or the coordinator (consumer).",
        set_group_protocol},
    Key{"group.remote.assignor", "", "", "With the consumer protocol: uniform or range; by default the coordinator decides.",
        set_text<&S::group_remote_assignor>},
    Key{"heartbeat.interval.ms", "", "3000", "How often a classic member says that it is there.",
        set_number<&S::heartbeat_interval, 1, kInt>},
    Key{"isolation.level", "", "read_uncommitted", "Only read_uncommitted, until transactions are supported.", set_isolation},
    Key{"linger.ms", "queue.buffering.max.ms", "5", "How long a batch waits to fill.", set_number<&S::linger, 0, kInt>},
    Key{"max.block.ms", "", "60000", "How long `send` waits for metadata and room.", set_number<&S::max_block, 0, kInt>},
    Key{"max.in.flight.requests.per.connection", "max.in.flight", "5", "Produce requests without an answer, at most; 5 with idempotence.",
        set_number<&S::max_in_flight, 1, 1000>},
    Key{"max.partition.fetch.bytes", "fetch.message.max.bytes", "1048576", "Bytes a partition may take of one answer to a fetch.",
        set_number<&S::fetch_partition_bytes, 0, kInt>},
    Key{"max.poll.interval.ms", "", "300000", "A member that does not poll for this long leaves its group.",
        set_number<&S::max_poll_interval, 1, kInt>},
    Key{"max.request.size", "message.max.bytes", "1048576", "The largest record and produce request.",
        set_number<&S::request_max_bytes, 1, kInt>},
    Key{"metadata.max.age.ms", "", "300000", "Metadata older than this is asked for again.", set_number<&S::metadata_max_age, 1, kInt>},
    Key{"partition.assignment.strategy", "", "range",
        "How classic members share out partitions: range, roundrobin, cooperative-sticky; best first. With the last one alone they read on "
        "meanwhile.",
        set_assignors},
    Key{"queued.max.bytes", "", "67108864", "Fetched bytes that may wait to be polled (ours).",
        set_number<&S::fetch_queue_bytes, 1, kLong>},
    Key{"receive.message.max.bytes", "", "104857600", "The largest answer taken from a broker.",
        set_number<&S::receive_max_bytes, 1024, kInt>},
    Key{"reconnect.backoff.max.ms", "", "1000", "The longest pause before another attempt to connect.",
        set_number<&S::reconnect_backoff_max, 0, kInt>},
    Key{"reconnect.backoff.ms", "", "50", "The first one; it doubles.", set_number<&S::reconnect_backoff, 0, kInt>},
    Key{"request.timeout.ms", "socket.timeout.ms", "30000", "How long one request waits for its answer.",
        set_number<&S::request_timeout, 1, kInt>},
    Key{"retry.backoff.max.ms", "", "1000", "The longest pause before a request is tried again.",
        set_number<&S::retry_backoff_max, 0, kInt>},
    Key{"retry.backoff.ms", "", "100", "The first one; it doubles.", set_number<&S::retry_backoff, 0, kInt>},
    Key{"session.timeout.ms", "", "45000", "A classic member that is not heard of for this long is out of its group.",
        set_number<&S::session_timeout, 1, kInt>},
    Key{"socket.connection.setup.timeout.ms", "", "10000", "How long connecting may take.", set_number<&S::connect_timeout, 1, kInt>},
};

const Key* find_key(std::string_view name) {
  for (const Key& key : kKeys) {
    if (key.name == name || (!key.alias.empty() && key.alias == name)) return &key;
  }
  return nullptr;
}

error unknown_key(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Key& key : kKeys) {
    names.push_back(key.name);
    if (!key.alias.empty()) names.push_back(key.alias);
  }
  error unknown(errc::invalid_config, "unknown client setting \"" + std::string(name) + "\"");
  if (const std::string_view near = closest_word(name, names); !near.empty())
    unknown.set_hint("did you mean \"" + std::string(near) + "\"?");
  else
    unknown.set_hint("client settings have Kafka's names, such as linger.ms or fetch.min.bytes");
  return unknown;
}

}  // namespace

result<Address> parse_address(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  error bad(errc::invalid_config, "\"" + std::string(text) + "\" is not a broker address");
  bad.set_hint("it is host:port, or [address]:port for IPv6");
  Address address{.host = std::string(text), .port = 9092};
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const std::size_t colon = text.rfind(':');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon == bracket + 1);
  if (has_port) {
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
    if (failed != std::errc{} || end != digits.data() + digits.size() || address.port == 0) return bad;
    address.host = text.substr(0, colon);
  }
  if (bracket != std::string_view::npos) address.host = text.substr(1, bracket - 1);
  const bool is_bare_v6 = bracket == std::string_view::npos && address.host.find(':') != std::string::npos;
  if (address.host.empty() || is_bare_v6 || address.host.find_first_of(" /") != std::string::npos) return bad;
  return address;
}

result<Settings> read_settings(const config& from) {
  Settings settings;
  for (const auto& [name, value] : from.entries()) {
    const Key* key = find_key(name);
    if (key == nullptr) return unknown_key(name);
    if (result<void> ok = key->set(settings, name, value); !ok) return ok.error();
  }
  const bool asks_idempotence = from.get("enable.idempotence").has_value();
  if (settings.is_idempotent && (settings.acks != -1 || settings.max_in_flight > 5)) {
    if (asks_idempotence) return error(errc::invalid_config, "enable.idempotence=true needs acks=all and at most 5 requests in flight");
    settings.is_idempotent = false;  // As in Kafka: asking for less than it needs turns the default off.
  }
  return settings;
}

}  // namespace core

config& config::set(std::string_view key, std::string_view value) {
  entries_.insert_or_assign(std::string(key), std::string(value));
  return *this;
}

std::optional<std::string> config::get(std::string_view key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? std::nullopt : std::optional(found->second);
}

result<void> config::validate() const {
  const result<core::Settings> settings = core::read_settings(*this);
  return settings ? result<void>() : result<void>(settings.error());
}

std::vector<config_key> config::keys() {
  std::vector<config_key> all;
  for (const core::Key& key : core::kKeys) all.emplace_back(key.name, key.fallback, key.doc);
  return all;
}

result<config> config::load(const std::string& path) {
  std::ifstream file(path);
  if (!file) return error(errc::invalid_config, "cannot read \"" + path + "\"");
  config loaded;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string::npos || line[first] == '#') continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos) return error(errc::invalid_config, path + ":" + std::to_string(number) + ": no \"=\" in the line");
    const auto trimmed = [](std::string_view text) {
      const std::size_t from = text.find_first_not_of(" \t\r");
      return from == std::string_view::npos ? std::string_view{} : text.substr(from, text.find_last_not_of(" \t\r") - from + 1);
    };
    loaded.set(trimmed(std::string_view(line).substr(0, equals)), trimmed(std::string_view(line).substr(equals + 1)));
  }
  return loaded;
}

config config::from_env() {
  config found;
  if (const char* brokers = std::getenv("TIDELOG_BROKERS")) found.set("bootstrap.servers", brokers);
  for (const core::Key& key : core::kKeys) {
    std::string variable = "TIDELOG_";
    for (const char letter : key.name) variable += letter == '.' ? '_' : static_cast<char>(letter - 'a' + 'A');
    if (const char* value = std::getenv(variable.c_str())) found.set(key.name, value);
  }
  return found;
}

}  // namespace tidelog
