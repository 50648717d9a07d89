#include "broker/handlers/cluster_view.h"
#include "broker/handlers/handler.h"
#include "broker/metadata/topic_names.h"
#include "proto/messages/describe_topic_partitions_request.h"
#include "proto/messages/describe_topic_partitions_response.h"

#include <deque>
#include <set>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::DescribeTopicPartitionsRequest;
using proto::DescribeTopicPartitionsResponse;
using Topic = DescribeTopicPartitionsResponse::DescribeTopicPartitionsResponseTopic;
using PartitionAnswer = DescribeTopicPartitionsResponse::DescribeTopicPartitionsResponsePartition;

/// One page: topics by name, from the cursor on, until as many partitions are told as one answer may hold. Keeps alive what the response's
/// views point to.
class Page {
 public:
  Page(HandlerContext context, const DescribeTopicPartitionsRequest& asked)
      : context_(context), image_(context.here.image), asked_(asked), partitions_left_(limit(context.node.options, asked)) {}

  DescribeTopicPartitionsResponse fill();

 private:
  static std::size_t limit(const BrokerOptions& options, const DescribeTopicPartitionsRequest& asked) {
    return static_cast<std::size_t>(std::max(std::min(options.max_request_partition_size_limit, asked.response_partition_limit), 1));
  }
  [[nodiscard]] std::string_view first_name() const { return has_cursor() ? asked_.cursor.value.topic_name : std::string_view(); }
  [[nodiscard]] bool has_cursor() const { return asked_.cursor.present; }
  [[nodiscard]] std::set<std::string_view> named() const;
  bool cursor_is_valid(const std::set<std::string_view>& names) const;
  void refuse(const std::set<std::string_view>& names);
  bool add(std::string_view name, const TopicImage* topic);
  bool add_partitions(const TopicImage& topic, Topic& answer);
  bool stop_at(std::string_view topic, std::size_t partition);

  HandlerContext context_;
  std::shared_ptr<const Image> image_;  ///< Held: shards swap theirs.
  const DescribeTopicPartitionsRequest& asked_;
  std::size_t partitions_left_;
  std::vector<Topic> topics_;
  std::deque<std::vector<PartitionAnswer>> partitions_;
  DescribeTopicPartitionsResponse response_;
};

std::set<std::string_view> Page::named() const {
  std::set<std::string_view> names;
  for (const auto& topic : asked_.topics) names.insert(topic.name);
  return names;
}

/// A cursor goes on where an answer to the same question ended.
bool Page::cursor_is_valid(const std::set<std::string_view>& names) const {
  if (!has_cursor()) return true;
  return asked_.cursor.value.partition_index >= 0 && (names.empty() || names.contains(first_name()));
}

void Page::refuse(const std::set<std::string_view>& names) {
  for (const std::string_view name : names) {
    Topic& answer = topics_.emplace_back();
    answer.error_code = static_cast<std::int16_t>(ErrorCode::invalid_request);
    answer.name = name;
  }
}

bool Page::stop_at(std::string_view topic, std::size_t partition) {
  response_.next_cursor.present = true;
  response_.next_cursor.value = {.topic_name = topic, .partition_index = static_cast<std::int32_t>(partition)};
  return false;
}

/// False once the page is full; the next cursor is set then.
bool Page::add_partitions(const TopicImage& topic, Topic& answer) {
  const std::size_t first = has_cursor() && topic.name == first_name() ? static_cast<std::size_t>(asked_.cursor.value.partition_index) : 0;
  const std::size_t begin = std::min(first, topic.partitions.size());
  const std::size_t count = std::min(topic.partitions.size() - begin, partitions_left_);
  std::vector<PartitionAnswer>& told = partitions_.emplace_back();
  told.reserve(count);
  for (const PartitionImage& partition : std::span(topic.partitions).subspan(begin, count)) {
    PartitionAnswer& one = told.emplace_back();
    one.partition_index = partition.index.value;
    const Leadership lead = leadership_of(context_, partition);
    one.leader_id = lead.leader.value;
    one.leader_epoch = partition.leader_epoch.value;
    one.replica_nodes = ids_of(partition.replicas);
    one.isr_nodes = ids_of(partition.isr);
    // While the in-sync set is never smaller than min.insync.replicas asks, nobody outside it may lead.
    one.eligible_leader_replicas = std::span<const std::int32_t>();
    one.last_known_elr = std::span<const std::int32_t>();
    one.offline_replicas = ids_of(*lead.offline);
    if (lead.leader.value < 0) one.error_code = static_cast<std::int16_t>(ErrorCode::leader_not_available);
  }
  answer.partitions = std::span<const PartitionAnswer>(told);
  partitions_left_ -= count;
  return begin + count == topic.partitions.size() || stop_at(topic.name, begin + count);
}

/// False once the page is full.
bool Page::add(std::string_view name, const TopicImage* topic) {
  if (partitions_left_ == 0) return stop_at(name, 0);
  Topic& answer = topics_.emplace_back();
  answer.name = name;
  answer.topic_authorized_operations = kTopicOperations;
  if (topic == nullptr) {
    const bool is_legal = topic_name_problem(name).empty();
    answer.error_code = static_cast<std::int16_t>(is_legal ? ErrorCode::unknown_topic_or_partition : ErrorCode::invalid_topic_exception);
    return true;
  }
  answer.topic_id = topic->id;
  answer.is_internal = is_internal_topic(topic->name);
  return add_partitions(*topic, answer);
}

DescribeTopicPartitionsResponse Page::fill() {
  const std::set<std::string_view> names = named();
  if (!cursor_is_valid(names)) {
    refuse(names);
  } else if (names.empty()) {
    // No topic named: all of them.
    for (auto at = image_->topics().lower_bound(first_name()); at != image_->topics().end(); ++at) {
      if (!add(at->first, at->second.get())) break;
    }
  } else {
    for (auto name = names.lower_bound(first_name()); name != names.end(); ++name) {
      if (!add(*name, image_->find_topic(*name))) break;
    }
  }
  response_.topics = std::span<const Topic>(topics_);
  return response_;
}

}  // namespace

/// DescribeTopicPartitions (key 75; KIP-966): topics and partitions a page at a time.
Handle handle_describe_topic_partitions(HandlerContext context, Request request, SendQueue& to) {
  DescribeTopicPartitionsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a DescribeTopicPartitions request could not be read");
    co_return Outcome::close;
  }
  Page page(context, message);
  respond(request, page.fill(), to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
