#include "cli/doctor/doctor.h"

#include "cli/doctor/health.h"
#include "cli/doctor/identify.h"
#include "proto/error_code.h"
#include "proto/messages/describe_configs_request.h"
#include "proto/messages/describe_configs_response.h"
#include "proto/messages/metadata_request.h"

#include <algorithm>
#include <charconv>

namespace tidelog::cli {
namespace {

using proto::DescribeConfigsRequest;
using proto::DescribeConfigsResponse;
using proto::MetadataRequest;
using proto::MetadataResponse;

constexpr std::int8_t kTopicResource = 2, kBrokerResource = 4;
constexpr std::size_t kTopicsAtOnce = 500;

Hop broker_hop(const BrokerView& broker) {
  const std::string address = (broker.host.find(':') == std::string::npos ? broker.host : "[" + broker.host + "]");
  return {.name = "broker " + std::to_string(broker.id), .address = address + ":" + std::to_string(broker.port)};
}

std::string joined(const core::Resolved& resolved) {
  std::string text;
  for (const core::SocketAddress& address : resolved.addresses) text += (text.empty() ? "" : ", ") + text_of(address);
  return text;
}

Finding says(std::string code, std::string message, std::string hint) {
  return {.code = std::move(code), .message = std::move(message), .hint = std::move(hint)};
}

/// A question for one config of each of the resources named.
class ConfigsQuestion {
 public:
  ConfigsQuestion(std::int8_t type, std::vector<std::string> names, std::string_view key) : names_(std::move(names)), keys_{key} {
    for (const std::string& name : names_) {
      DescribeConfigsRequest::DescribeConfigsResource& asked = resources_.emplace_back();
      asked.resource_type = type;
      asked.resource_name = name;
      asked.configuration_keys = keys_;
    }
    message_.resources = resources_;
  }
  ConfigsQuestion(const ConfigsQuestion&) = delete;
  ConfigsQuestion& operator=(const ConfigsQuestion&) = delete;

  [[nodiscard]] const DescribeConfigsRequest& message() const { return message_; }

 private:
  std::vector<std::string> names_;
  std::vector<std::string_view> keys_;
  std::vector<DescribeConfigsRequest::DescribeConfigsResource> resources_;
  DescribeConfigsRequest message_;  ///< Views the above.
};

void take_min_in_sync(const DescribeConfigsResponse::DescribeConfigsResult& from, ClusterView& view) {
  for (const auto& config : from.configs) {
    std::size_t least = 0;
    const auto [end, failed] = std::from_chars(config.value.data(), config.value.data() + config.value.size(), least);
    if (failed == std::errc{} && config.name == "min.insync.replicas") view.min_in_sync[std::string(from.resource_name)] = least;
  }
}

}  // namespace

void Doctor::add(Verdict verdict, const Hop& hop, Finding finding) {
  finding.verdict = verdict;
  finding.hop = hop.name;
  if (finding.address.empty()) finding.address = hop.address;
  report_.add(std::move(finding));
}

std::optional<core::Resolved> Doctor::resolve(const core::Address& address, const Hop& hop) {
  core::Resolved resolved = look_up(address, timeout_);
  if (!resolved.addresses.empty()) {
    const std::string numbers = joined(resolved);
    if (numbers != address.text()) add(Verdict::ok, hop, says({}, "the name resolves to " + numbers, {}));
    return resolved;
  }
  const std::string hint = hop.is_bootstrap ? "is it spelled right, and known to the name service that is used here?"
                                            : "clients get this name from advertised.listeners: it has to be one that they can resolve";
  add(Verdict::problem, hop, says("NAME_NOT_FOUND", "the name does not resolve here: " + resolved.failure, hint));
  return std::nullopt;
}

HopResult<Doctor::Reached> Doctor::dial(const core::SocketAddress& address, bool with_topics) {
  HopResult<KafkaDialog> dialog = KafkaDialog::open(address, timeout_);
  if (!dialog) return identify(address, timeout_, dialog.error());
  // What brokers do not serve and controllers do: BrokerRegistration.
  constexpr std::int16_t kBrokerRegistration = 62;
  if (!dialog->has(MetadataRequest::kKey) && dialog->has(kBrokerRegistration)) return HopFailure{HopTrouble::controller_only, {}};
  MetadataRequest message;
  message.allow_auto_topic_creation = false;
  if (with_topics) message.topics = decltype(message.topics)::null();
  const auto answer = dialog->ask<MetadataResponse>(message);
  if (answer) return Reached{.address = address, .dialog = *std::move(dialog), .view = view_of(answer->message)};
  if (answer.error().trouble != HopTrouble::broke_off) return answer.error();
  // Brokers with a login answer ApiVersions and nothing else before it.
  HopResult<KafkaDialog> again = KafkaDialog::open(address, timeout_);
  const std::optional<std::string> mechanisms = again ? again->sasl_mechanisms() : std::nullopt;
  return mechanisms ? HopFailure{HopTrouble::needs_sasl, *mechanisms} : answer.error();
}

void Doctor::note_reached(const Hop& hop, const Reached& reached, core::TimePoint since) {
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(core::Clock::now() - since).count();
  add(Verdict::ok, hop,
      says({},
           "it answers in Kafka's protocol, with " + std::to_string(reached.dialog.api_count()) + " APIs, within " +
               std::to_string(took + 1) + " ms",
           {}));
}

std::optional<Doctor::Reached> Doctor::dial_all(const core::Resolved& resolved, const Hop& hop, bool with_topics) {
  std::optional<Reached> first;
  std::vector<std::pair<Hop, HopFailure>> failures;
  for (const core::SocketAddress& address : resolved.addresses) {
    const Hop here{.name = hop.name, .address = text_of(address), .is_bootstrap = hop.is_bootstrap};
    const core::TimePoint since = core::Clock::now();
    HopResult<Reached> reached = dial(address, with_topics);
    if (!reached) {
      failures.emplace_back(here, reached.error());
      continue;
    }
    note_reached(here, *reached, since);
    if (first && first->view.id != reached->view.id) {
      add(Verdict::problem, here,
          says("WRONG_CLUSTER", "it belongs to cluster " + reached->view.id + ", " + text_of(first->address) + " to " + first->view.id,
               "a name has to lead to brokers of one cluster"));
    }
    if (!first) first.emplace(*std::move(reached));
  }
  for (const auto& [here, failure] : failures) {
    // localhost is often two addresses of which a broker has one: clients find the other.
    const bool is_harmless = first && tries_next_address(failure.trouble);
    add(is_harmless ? Verdict::remark : Verdict::problem, here, explain(failure, here, timeout_));
  }
  return first;
}

void Doctor::examine_bootstrap(const core::Address& address) {
  const Hop hop{.name = "bootstrap", .address = address.text(), .is_bootstrap = true};
  const std::optional<core::Resolved> resolved = resolve(address, hop);
  if (!resolved) return;
  std::optional<Reached> reached = dial_all(*resolved, hop, !cluster_);
  if (!reached) return;
  if (!cluster_) {
    cluster_.emplace(*std::move(reached));
    return;
  }
  if (reached->view.id == cluster_->view.id) return;
  add(Verdict::problem, hop,
      says("WRONG_CLUSTER", "it belongs to cluster " + reached->view.id + ", the one before it to " + cluster_->view.id,
           "give clients addresses of one cluster"));
}

bool Doctor::is_dialable(const BrokerView& broker, const Hop& hop, const core::Resolved& resolved) {
  if (std::ranges::any_of(resolved.addresses, is_any)) {
    add(Verdict::problem, hop,
        says("ADVERTISED_ANY", "it advertises an address that means \"every interface\" and that nobody can dial",
             "set advertised.listeners of " + hop.name + " to a name or address that clients reach"));
    return false;
  }
  const bool is_here = std::ranges::all_of(resolved.addresses, is_loopback);
  if (!is_here || is_loopback(cluster_->address)) return true;
  add(Verdict::problem, hop,
      says("ADVERTISED_LOOPBACK",
           "it advertises " + broker.host + ", which on every client is the client itself; you came through " + text_of(cluster_->address),
           "set advertised.listeners of " + hop.name + " to a name or address that clients reach"));
  return false;
}

void Doctor::examine_broker(const BrokerView& broker) {
  const Hop hop = broker_hop(broker);
  if (broker.host.empty() || broker.port <= 0 || broker.port > 65'535) {
    add(Verdict::problem, hop,
        says("ADVERTISED_NOTHING", "it advertises no address that can be dialed", "set advertised.listeners of " + hop.name));
    return;
  }
  const std::optional<core::Resolved> resolved = resolve({.host = broker.host, .port = static_cast<std::uint16_t>(broker.port)}, hop);
  if (!resolved || !is_dialable(broker, hop, *resolved)) return;
  std::optional<Reached> reached = dial_all(*resolved, hop, false);
  if (reached) examine_identity(broker, hop, *reached);
}

/// Whether the broker that answers is the one that is meant.
void Doctor::examine_identity(const BrokerView& broker, const Hop& hop, Reached& reached) {
  if (reached.view.id != cluster_->view.id) {
    add(Verdict::problem, hop,
        says("WRONG_CLUSTER", "a broker of cluster " + reached.view.id + " answers there, and this is cluster " + cluster_->view.id,
             "advertised.listeners of " + hop.name + " leads to another cluster: see names, ports and forwarding"));
    return;
  }
  const ConfigsQuestion question(kBrokerResource, {std::to_string(broker.id)}, "broker.id");
  const auto answer = reached.dialog.ask<DescribeConfigsResponse>(question.message());
  if (!answer) return;  // An old broker, or one that does not let us ask: nothing is known then.
  for (const auto& result : answer->message.results) {
    // A broker describes nobody but itself.
    if (static_cast<ErrorCode>(result.error_code) != ErrorCode::invalid_request) continue;
    add(Verdict::problem, hop,
        says("WRONG_BROKER", "another broker of the cluster answers there",
             "advertised.listeners of " + hop.name + " leads to another broker: see names, ports and forwarding"));
  }
}

void Doctor::learn_min_in_sync() {
  ClusterView& view = cluster_->view;
  for (std::size_t from = 0; from < view.topics.size(); from += kTopicsAtOnce) {
    std::vector<std::string> names;
    for (std::size_t i = from; i < std::min(view.topics.size(), from + kTopicsAtOnce); ++i) names.push_back(view.topics[i].name);
    const ConfigsQuestion question(kTopicResource, std::move(names), "min.insync.replicas");
    const auto answer = cluster_->dialog.ask<DescribeConfigsResponse>(question.message());
    if (!answer) return;
    for (const auto& result : answer->message.results) take_min_in_sync(result, view);
  }
}

Report Doctor::examine() {
  for (const core::Address& address : bootstrap_) examine_bootstrap(address);
  if (!cluster_) return std::move(report_);
  // First, while the connection is fresh: brokers close idle ones.
  learn_min_in_sync();
  report_.add_all(judge_addresses(cluster_->view));
  for (const BrokerView& broker : cluster_->view.brokers) examine_broker(broker);
  report_.add_all(judge_health(cluster_->view));
  return std::move(report_);
}

}  // namespace tidelog::cli
