#include "broker/handlers/per_partition.h"
#include "proto/messages/offset_for_leader_epoch_request.h"
#include "proto/messages/offset_for_leader_epoch_response.h"

#include <vector>

namespace tidelog::broker {
namespace {

using proto::OffsetForLeaderEpochRequest;
using proto::OffsetForLeaderEpochResponse;

struct Question {
  TopicPartition id;
  std::int32_t current_leader_epoch = -1;
  std::int32_t leader_epoch = -1;
  ErrorCode error = ErrorCode::none;
  std::int32_t found_epoch = -1;
  std::int64_t end_offset = -1;
};

void answer(Partition& partition, Question& question) {
  const PartitionState state = partition.state();
  question.error = check_leader_epoch(question.current_leader_epoch, state.leader_epoch);
  if (question.error != ErrorCode::none) return;
  // Of the current epoch consumers know no more than what is committed.
  if (question.leader_epoch == state.leader_epoch.value) {
    question.found_epoch = question.leader_epoch;
    question.end_offset = state.high_watermark.value;
    return;
  }
  const storage::EpochEnd end = partition.end_of_epoch({question.leader_epoch});
  question.found_epoch = end.epoch.value;
  question.end_offset = end.end_offset.value;
}

void respond_with(const Request& request, const OffsetForLeaderEpochRequest& message, const std::vector<Question>& questions,
                  SendQueue& to) {
  std::vector<OffsetForLeaderEpochResponse::EpochEndOffset> partitions;
  std::vector<OffsetForLeaderEpochResponse::OffsetForLeaderTopicResult> topics;
  partitions.reserve(questions.size());  // Spans into it are taken below.
  auto question = questions.begin();
  for (const auto& topic : message.topics) {
    const std::size_t begin = partitions.size();
    for (const auto& partition : topic.partitions) {
      partitions.push_back({.error_code = static_cast<std::int16_t>(question->error),
                            .partition = partition.partition,
                            .leader_epoch = question->found_epoch,
                            .end_offset = question->end_offset});
      ++question;
    }
    topics.push_back(
        {.topic = topic.topic, .partitions = std::span<const OffsetForLeaderEpochResponse::EpochEndOffset>(partitions).subspan(begin)});
  }
  OffsetForLeaderEpochResponse response;
  response.topics = std::span<const OffsetForLeaderEpochResponse::OffsetForLeaderTopicResult>(topics);
  respond(request, response, to);
}

}  // namespace

/// OffsetForLeaderEpoch (key 23): where a leader epoch ended, so that a client can tell whether what it read is still there.
Handle handle_offset_for_leader_epoch(HandlerContext context, Request request, SendQueue& to) {
  OffsetForLeaderEpochRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("an OffsetForLeaderEpoch request could not be read");
    co_return Outcome::close;
  }
  std::vector<Question> questions;
  for (const auto& topic : message.topics) {
    for (const auto& partition : topic.partitions) {
      Question& question = questions.emplace_back();
      question.current_leader_epoch = partition.current_leader_epoch;
      question.leader_epoch = partition.leader_epoch;
      question.error = resolve(context.image(), topic.topic, partition.partition, question.id);
    }
  }
  co_await ask_owners(context, questions, answer);
  respond_with(request, message, questions, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
