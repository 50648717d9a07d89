#include "proto/messages/create_topics_request.h"
#include "proto/messages/delete_records_request.h"
#include "proto/messages/describe_configs_request.h"
#include "proto/messages/describe_log_dirs_request.h"
#include "proto/messages/describe_producers_request.h"
#include "proto/messages/describe_topic_partitions_request.h"
#include "proto/messages/incremental_alter_configs_request.h"
#include "proto/messages/metadata_request.h"
#include "tests/attack/converse.h"
#include "tests/attack/dear.h"
#include "tests/attack/messages.h"

#include <array>
#include <memory>
#include <numeric>

namespace tidelog::attack {
namespace {

using proto::CreateTopicsRequest;
using proto::DeleteRecordsRequest;
using proto::DescribeConfigsRequest;
using proto::DescribeLogDirsRequest;
using proto::DescribeProducersRequest;
using proto::DescribeTopicPartitionsRequest;
using proto::IncrementalAlterConfigsRequest;
using proto::MetadataRequest;

constexpr std::int8_t kTopicResource = 2;
constexpr std::int8_t kSet = 0, kDelete = 1, kAppend = 2, kSubtract = 3;

/// Topics that are never made, with all that can be said of one.
std::string create_for_show(std::size_t count) {
  using Config = CreateTopicsRequest::CreatableTopicConfig;
  static constexpr std::array<Config, 12> kConfigs{
      Config{.name = "retention.ms", .value = "604800000"},        Config{.name = "retention.bytes", .value = "1073741824"},
      Config{.name = "segment.bytes", .value = "16777216"},        Config{.name = "segment.ms", .value = "604800000"},
      Config{.name = "cleanup.policy", .value = "compact,delete"}, Config{.name = "max.message.bytes", .value = "1000000"},
      Config{.name = "min.cleanable.dirty.ratio", .value = "0.5"}, Config{.name = "delete.retention.ms", .value = "86400000"},
      Config{.name = "min.compaction.lag.ms", .value = "1000"},    Config{.name = "file.delete.delay.ms", .value = "60000"},
      Config{.name = "compression.type", .value = "producer"},     Config{.name = "message.timestamp.type", .value = "CreateTime"}};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back("attack-for-show-" + std::to_string(i));
  std::vector<CreateTopicsRequest::CreatableTopic> topics;
  for (const std::string& name : names) {
    topics.push_back({.name = name, .num_partitions = 1, .replication_factor = 1, .configs = std::span<const Config>(kConfigs)});
  }
  return framed(CreateTopicsRequest{.topics = topics, .validate_only = true}, 7);
}

/// A list of replicas as long as one request may bring.
std::string long_list(std::size_t bytes) {
  std::string list;
  for (int i = 0; list.size() < bytes; ++i) list += (list.empty() ? "" : ",") + std::to_string(i) + ":0";
  return list;
}

std::string alter_list(const std::string& topic, std::int8_t operation, const std::string& list, bool is_for_show) {
  const bool has_value = operation != kDelete;
  const std::vector<IncrementalAlterConfigsRequest::AlterableConfig> configs{
      {.name = "leader.replication.throttled.replicas",
       .config_operation = operation,
       .value = has_value ? std::string_view(list) : std::string_view()}};
  const std::vector<IncrementalAlterConfigsRequest::AlterConfigsResource> resources{
      {.resource_type = kTopicResource, .resource_name = topic, .configs = configs}};
  return framed(IncrementalAlterConfigsRequest{.resources = resources, .validate_only = is_for_show}, 1);
}

std::vector<std::string> alter_lists(const std::string& topic) {
  constexpr std::size_t kBytes = 25'000;  // Below what one string may have.
  const std::string list = long_list(kBytes);
  return {alter_list(topic, kSet, list, true),      alter_list(topic, kSet, list, false),    alter_list(topic, kAppend, list, true),
          alter_list(topic, kSubtract, list, true), alter_list(topic, kDelete, list, false), alter_list(topic, kAppend, list, true)};
}

/// All there is to say of these, with what each means and where else it could come from.
std::string describe_configs(std::span<const std::string> topics) {
  std::vector<DescribeConfigsRequest::DescribeConfigsResource> resources;
  for (const std::string& topic : topics) {
    resources.push_back(
        {.resource_type = kTopicResource, .resource_name = topic, .configuration_keys = proto::Array<std::string_view>::null()});
  }
  return framed(DescribeConfigsRequest{.resources = resources, .include_synonyms = true, .include_documentation = true}, 4);
}

std::vector<std::int32_t> all_partitions() {
  std::vector<std::int32_t> all(kManyPartitions);
  std::iota(all.begin(), all.end(), 0);
  return all;
}

std::string describe_producers(const std::string& topic) {
  const std::vector<std::int32_t> partitions = all_partitions();
  const std::vector<DescribeProducersRequest::TopicRequest> topics{{.name = topic, .partition_indexes = partitions}};
  return framed(DescribeProducersRequest{.topics = topics}, 0);
}

/// Up to the first record, so that nothing goes and every partition is asked.
std::string delete_records(const std::string& topic) {
  std::vector<DeleteRecordsRequest::DeleteRecordsPartition> partitions;
  for (const std::int32_t index : all_partitions()) partitions.push_back({.partition_index = index, .offset = 0});
  const std::vector<DeleteRecordsRequest::DeleteRecordsTopic> topics{{.name = topic, .partitions = partitions}};
  return framed(DeleteRecordsRequest{.topics = topics, .timeout_ms = 5000}, 2);
}

std::string metadata_of_all() { return framed(MetadataRequest{.topics = proto::Array<MetadataRequest::MetadataRequestTopic>::null()}, 9); }
std::string partitions_of_all() { return framed(DescribeTopicPartitionsRequest{.response_partition_limit = 2000}, 0); }
std::string log_dirs_of_all() {
  return framed(DescribeLogDirsRequest{.topics = proto::Array<DescribeLogDirsRequest::DescribableLogDirTopic>::null()}, 4);
}

/// One thing that is asked for by a crowd.
struct Errand {
  const char* family;
  std::uint8_t network;
  std::vector<std::string> requests;
};

std::vector<Errand> all_errands(const Knowledge& known) {
  const std::vector<std::string> topics{known.read_topic, known.compacted_topic, known.times_topic, known.many_topic};
  return {{.family = "creations for show", .network = 31, .requests = {create_for_show(300)}},
          {.family = "long config lists", .network = 32, .requests = alter_lists(known.times_topic)},
          {.family = "all configs", .network = 33, .requests = {describe_configs(topics)}},
          {.family = "all partitions", .network = 34, .requests = {metadata_of_all(), partitions_of_all()}},
          {.family = "all log dirs", .network = 35, .requests = {log_dirs_of_all()}},
          {.family = "all producers", .network = 37, .requests = {describe_producers(known.many_topic)}},
          {.family = "wide deletions", .network = 38, .requests = {delete_records(known.many_topic)}}};
}

}  // namespace

std::vector<Siege> admin_sieges(const Battlefield& field, Tally& tally) {
  constexpr std::size_t kConnections = 40;
  const auto camp = std::make_shared<Camp>(field, tally);
  const Milliseconds slack = field.deadlines.slack;
  std::vector<Siege> sieges;
  for (const Errand& errand : all_errands(field.known)) {
    const Camp::Call call{.family = errand.family, .count = kConnections, .network = errand.network};
    const Routine routine{.requests = errand.requests, .pipelined = 2, .lasts = slack / 5};
    sieges.push_back({.name = errand.family, .lasts = slack / 2, .run = [camp, call, routine] { repeat(*camp, call, routine); }});
  }
  return sieges;
}

}  // namespace tidelog::attack
