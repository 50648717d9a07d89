#include "cli/doctor/health.h"

#include "proto/error_code.h"

#include <algorithm>
#include <functional>
#include <map>

namespace tidelog::cli {
namespace {

constexpr std::size_t kExamples = 5;

std::string broker_name(std::int32_t id) { return "broker " + std::to_string(id); }

/// Names as they are met, of which the first few are shown.
class Examples {
 public:
  void add(std::string name) {
    if (++count_ <= kExamples) text_ += (text_.empty() ? "" : ", ") + std::move(name);
  }
  [[nodiscard]] std::size_t count() const { return count_; }
  /// "2 partitions have no leader: logs-0, logs-1"
  [[nodiscard]] std::string sentence(const std::string& one, const std::string& many) const {
    const std::string more = count_ > kExamples ? " and " + std::to_string(count_ - kExamples) + " more" : "";
    return std::to_string(count_) + " " + (count_ == 1 ? one : many) + ": " + text_ + more;
  }

 private:
  std::size_t count_ = 0;
  std::string text_;
};

using Test = std::function<bool(const TopicView&, const PartitionView&)>;

Examples partitions_where(const ClusterView& view, const Test& test) {
  Examples found;
  for (const TopicView& topic : view.topics) {
    for (const PartitionView& partition : topic.partitions) {
      if (test(topic, partition)) found.add(topic.name + "-" + std::to_string(partition.index));
    }
  }
  return found;
}

bool is_below_min(const ClusterView& view, const TopicView& topic, const PartitionView& partition) {
  const auto min = view.min_in_sync.find(topic.name);
  return min != view.min_in_sync.end() && partition.in_sync < min->second;
}

Finding problem(std::string code, std::string message, std::string hint) {
  return {.verdict = Verdict::problem,
          .hop = "cluster",
          .address = {},
          .code = std::move(code),
          .message = std::move(message),
          .hint = std::move(hint)};
}

void judge_controller(const ClusterView& view, std::vector<Finding>& found) {
  if (view.brokers.empty()) {
    found.push_back(
        problem("NO_BROKERS", "it lists no broker", "the brokers have not registered yet, or the controller cannot be reached"));
    return;
  }
  const bool is_known = std::ranges::find(view.brokers, view.controller, &BrokerView::id) != view.brokers.end();
  if (view.controller < 0) {
    found.push_back(problem("NO_CONTROLLER", "there is no controller: topics cannot be created or changed, and leaders not elected",
                            "see whether most of controller.quorum.voters run and reach one another"));
  } else if (!is_known) {
    found.push_back(problem("NO_CONTROLLER",
                            "the controller is said to be " + broker_name(view.controller) + ", which is not among the brokers",
                            "it may be down; if this stays, look at its log"));
  }
}

void judge_partitions(const ClusterView& view, std::vector<Finding>& found) {
  const auto without_leader = [](const PartitionView& partition) { return partition.leader < 0; };
  const Examples leaderless = partitions_where(view, [&](const TopicView&, const PartitionView& one) { return without_leader(one); });
  if (leaderless.count() > 0)
    found.push_back(problem("LEADER_NOT_AVAILABLE",
                            leaderless.sentence("partition has no leader and can be neither written nor read",
                                                "partitions have no leader and can be neither written nor read"),
                            "start the brokers that have their replicas: tidelog topic describe TOPIC says which"));
  const Examples below_min = partitions_where(
      view, [&](const TopicView& topic, const PartitionView& one) { return !without_leader(one) && is_below_min(view, topic, one); });
  if (below_min.count() > 0)
    found.push_back(problem("NOT_ENOUGH_REPLICAS",
                            below_min.sentence("partition has fewer replicas in sync than min.insync.replicas and refuses acks=all",
                                               "partitions have fewer replicas in sync than min.insync.replicas and refuse acks=all"),
                            "bring the missing replicas back, or lower min.insync.replicas of the topic"));
  const Examples offline = partitions_where(view, [](const TopicView&, const PartitionView& one) { return one.offline > 0; });
  if (offline.count() > 0)
    found.push_back(problem("OFFLINE_REPLICAS", offline.sentence("partition has replicas offline", "partitions have replicas offline"),
                            "a broker is down, or one of its log directories failed: its log says which"));
  const Examples lagging = partitions_where(view, [&](const TopicView& topic, const PartitionView& one) {
    return !without_leader(one) && one.offline == 0 && one.in_sync < one.replicas && !is_below_min(view, topic, one);
  });
  if (lagging.count() > 0)
    found.push_back(problem("REPLICAS_OUT_OF_SYNC",
                            lagging.sentence("partition has replicas that lag behind", "partitions have replicas that lag behind"),
                            "they catch up by themselves once their brokers and the network between them keep up"));
}

void judge_errors(const ClusterView& view, std::vector<Finding>& found) {
  std::map<std::int16_t, Examples> by_code;
  // A partition without a leader says so once more by its code.
  const auto is_told = [](const PartitionView& partition) { return partition.leader < 0 || partition.offline > 0; };
  for (const TopicView& topic : view.topics) {
    if (topic.error_code != 0) by_code[topic.error_code].add(topic.name);
    for (const PartitionView& partition : topic.partitions) {
      if (partition.error_code != 0 && !is_told(partition))
        by_code[partition.error_code].add(topic.name + "-" + std::to_string(partition.index));
    }
  }
  for (const auto& [code, examples] : by_code) {
    const std::string code_name(name(static_cast<ErrorCode>(code)));
    found.push_back(problem(
        code_name, examples.sentence("topic or partition is described with an error", "topics and partitions are described with an error"),
        "tidelog errors " + std::to_string(code)));
  }
}

}  // namespace

std::vector<Finding> judge_health(const ClusterView& view) {
  std::vector<Finding> found;
  judge_controller(view, found);
  judge_partitions(view, found);
  judge_errors(view, found);
  if (!found.empty()) return found;
  std::size_t partitions = 0;
  for (const TopicView& topic : view.topics) partitions += topic.partitions.size();
  Finding well{.hop = "cluster"};
  well.message = "it has a controller, and every partition a leader and all its replicas (topics: " + std::to_string(view.topics.size()) +
                 ", partitions: " + std::to_string(partitions) + ")";
  return {well};
}

std::vector<Finding> judge_addresses(const ClusterView& view) {
  std::vector<Finding> found;
  std::map<std::string, std::int32_t> owners;
  for (const BrokerView& broker : view.brokers) {
    const std::string address = broker.host + ":" + std::to_string(broker.port);
    const auto [owner, is_new] = owners.emplace(address, broker.id);
    if (is_new) continue;
    Finding same{.verdict = Verdict::problem, .hop = broker_name(broker.id), .address = address};
    same.code = "ADVERTISED_TWICE";
    same.message = "it advertises the same address as " + broker_name(owner->second) + ", so clients send to the wrong one";
    same.hint = "give every broker advertised.listeners of its own";
    found.push_back(std::move(same));
  }
  return found;
}

}  // namespace tidelog::cli
