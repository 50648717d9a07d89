#include "broker/handlers/groups/ask_coordinator.h"
#include "proto/messages/offset_commit_request.h"
#include "proto/messages/offset_commit_response.h"

namespace tidelog::broker {
namespace {

using proto::OffsetCommitRequest;
using proto::OffsetCommitResponse;

constexpr std::int16_t kFirstWithTopicIds = 10;

/// One topic as the request names it. Its partitions are committed if it is known.
struct AskedTopic {
  std::string name;
  Uuid id;
  ErrorCode error = ErrorCode::none;
  std::vector<std::int32_t> partitions;
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

void add_topic(Asked& asked, const OffsetCommitRequest::OffsetCommitRequestTopic& topic, const Image& image) {
  const bool is_by_id = asked.call.version >= kFirstWithTopicIds;
  const TopicImage* const found = is_by_id ? image.find_topic(topic.topic_id) : image.find_topic(topic.name);
  AskedTopic& told = asked.topics.emplace_back();
  told.name = topic.name;
  told.id = topic.topic_id;
  for (const auto& partition : topic.partitions) told.partitions.push_back(partition.partition_index);
  if (found == nullptr) {
    told.error = is_by_id ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition;
    return;
  }
  CommitCall::Topic& committed = asked.call.topics.emplace_back();
  committed.name = found->name;
  committed.id = found->id;
  for (const auto& partition : topic.partitions) committed.partitions.push_back(to_partition(partition));
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
    for (const std::int32_t index : topic.partitions) {
      ErrorCode error = topic.error;
      if (error == ErrorCode::none) error = outcome.first != ErrorCode::none ? outcome.first : outcome.second.partitions[next++];
      partitions.push_back({.partition_index = index, .error_code = code(error)});
    }
    const auto its = std::span<const OffsetCommitResponse::OffsetCommitResponsePartition>(partitions).subspan(begin);
    topics.push_back({.name = topic.name, .topic_id = topic.id, .partitions = its});
  }
  OffsetCommitResponse response;
  response.topics = topics;
  respond(request, response, to);
}

}  // namespace

/// OffsetCommit (key 8). Topics that nobody knows are refused one by one; what is left is stored as a whole or not at all.
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
