#include "broker/handlers/groups/ask_coordinator.h"
#include "proto/messages/offset_commit_request.h"
#include "proto/messages/offset_commit_response.h"

namespace tidelog::broker {
namespace {

using proto::OffsetCommitRequest;
using proto::OffsetCommitResponse;

constexpr std::int16_t kFirstWithTopicIds = 10;

struct AskedPartition {
  std::int32_t index = 0;
  ErrorCode error = ErrorCode::none;  ///< None: the coordinator is asked.
};

/// One topic as the request names it.
struct AskedTopic {
  std::string name;
  Uuid id;
  std::vector<AskedPartition> partitions;
};

struct Asked {
  CommitCall call;
  std::vector<AskedTopic> topics;
};

CommitCall::Partition to_partition(const OffsetCommitRequest::OffsetCommitRequestPartition& partition) {
  return {.index = partition.partition_index,
          .offset = partition.committed_offset,
          .leader_epoch = partition.committed_leader_epoch,
          .metadata = owned(partition.committed_metadata)};
}

ErrorCode find_fault(const TopicImage* topic, std::int32_t partition, bool is_by_id) {
  if (topic == nullptr) return is_by_id ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition;
  const bool is_there = partition >= 0 && static_cast<std::size_t>(partition) < topic->partitions.size();
  return is_there ? ErrorCode::none : ErrorCode::unknown_topic_or_partition;
}

void add_topic(Asked& asked, const OffsetCommitRequest::OffsetCommitRequestTopic& topic, const Image& image) {
  const bool is_by_id = asked.call.version >= kFirstWithTopicIds;
  const TopicImage* const found = is_by_id ? image.find_topic(topic.topic_id) : image.find_topic(topic.name);
  AskedTopic& told = asked.topics.emplace_back();
  told.name = topic.name;
  told.id = topic.topic_id;
  CommitCall::Topic committed;
  for (const auto& partition : topic.partitions) {
    const ErrorCode fault = find_fault(found, partition.partition_index, is_by_id);
    told.partitions.push_back({.index = partition.partition_index, .error = fault});
    if (fault == ErrorCode::none) committed.partitions.push_back(to_partition(partition));
  }
  if (committed.partitions.empty()) return;
  committed.name = found->name;
  committed.id = found->id;
  asked.call.topics.push_back(std::move(committed));
}

Asked read(const OffsetCommitRequest& message, const Image& image, std::int16_t version) {
  Asked asked;
  asked.call = {.group = std::string(message.group_id),
                .generation_or_epoch = message.generation_id_or_member_epoch,
                .member_id = std::string(message.member_id),
                .instance_id = owned(message.group_instance_id),
                .retention_ms = message.retention_time_ms,
                .version = version,
                .topics = {}};
  for (const auto& topic : message.topics) add_topic(asked, topic, image);
  return asked;
}

void respond_with(const Request& request, const Asked& asked, const std::pair<ErrorCode, CommitAnswer>& outcome, SendQueue& to) {
  std::size_t count = 0;
  for (const AskedTopic& topic : asked.topics) count += topic.partitions.size();
  std::vector<OffsetCommitResponse::OffsetCommitResponsePartition> partitions;
  partitions.reserve(count);  // Spans into it are taken below.
  std::vector<OffsetCommitResponse::OffsetCommitResponseTopic> topics;
  std::size_t next = 0;
  for (const AskedTopic& topic : asked.topics) {
    const std::size_t begin = partitions.size();
    for (const AskedPartition& partition : topic.partitions) {
      ErrorCode error = partition.error;
      if (error == ErrorCode::none) error = outcome.first != ErrorCode::none ? outcome.first : outcome.second.partitions[next++];
      partitions.push_back({.partition_index = partition.index, .error_code = code(error)});
    }
    const auto its = std::span<const OffsetCommitResponse::OffsetCommitResponsePartition>(partitions).subspan(begin);
    topics.push_back({.name = topic.name, .topic_id = topic.id, .partitions = its});
  }
  OffsetCommitResponse response;
  response.topics = topics;
  respond(request, response, to);
}

}  // namespace

/// OffsetCommit (key 8). Topics and partitions that nobody knows are refused one by one; what is left is stored as a whole or not at all.
Handle handle_offset_commit(HandlerContext context, Request request, SendQueue& to) {
  OffsetCommitRequest message;
  if (!decode(request.body, request.header.api_version, message)) co_return refuse_unreadable(context, "OffsetCommit");
  const Asked asked = read(message, context.image(), request.header.api_version);
  std::pair<ErrorCode, CommitAnswer> outcome;
  if (!asked.call.topics.empty()) {
    const auto commit = [&asked](GroupMachine& machine, Step& step) { return machine.commit(asked.call, step); };
    outcome = co_await ask_coordinator<CommitAnswer>(context, asked.call.group, commit);
  }
  respond_with(request, asked, outcome, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
