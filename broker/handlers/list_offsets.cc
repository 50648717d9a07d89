#include "broker/handlers/per_partition.h"
#include "proto/messages/list_offsets_request.h"
#include "proto/messages/list_offsets_response.h"

#include <vector>

namespace tidelog::broker {
namespace {

using proto::ListOffsetsRequest;
using proto::ListOffsetsResponse;

// The timestamps that stand for a place in the log, and the first version that may use each.
constexpr std::int64_t kLatest = -1;
constexpr std::int64_t kEarliest = -2;
constexpr std::int64_t kMaxTimestamp = -3;
constexpr std::int64_t kEarliestLocal = -4;
constexpr std::int64_t kLatestTiered = -5;
constexpr std::int64_t kEarliestPendingUpload = -6;

struct Question {
  TopicPartition id;
  std::int32_t current_leader_epoch = -1;
  std::int64_t timestamp = 0;
  ErrorCode error = ErrorCode::none;
  std::int64_t found_timestamp = -1;
  std::int64_t found_offset = -1;
  std::int32_t found_epoch = -1;
};

bool is_known_in(std::int64_t timestamp, std::int16_t version) {
  switch (timestamp) {
    case kMaxTimestamp: return version >= 7;
    case kEarliestLocal: return version >= 8;
    case kLatestTiered: return version >= 9;
    case kEarliestPendingUpload: return version >= 11;
    default: return timestamp >= kEarliest;
  }
}

void answer_by_time(Partition& partition, Question& question) {
  const PartitionState state = partition.state();
  const auto found = question.timestamp == kMaxTimestamp ? partition.log().max_timestamp(state.high_watermark)
                                                         : partition.log().offset_for_timestamp({question.timestamp}, state.high_watermark);
  if (!found) {
    question.error = ErrorCode::kafka_storage_error;
    return;
  }
  if (!found->has_value()) return;  // No such record: -1 and -1.
  question.found_offset = (*found)->offset.value;
  question.found_timestamp = (*found)->timestamp.value;
  question.found_epoch = (*found)->leader_epoch.value;
}

void answer(Partition& partition, Question& question) {
  const PartitionState state = partition.state();
  question.error = check_leader_epoch(question.current_leader_epoch, state.leader_epoch);
  if (question.error != ErrorCode::none) return;
  switch (question.timestamp) {
    case kLatest:
      question.found_offset = state.high_watermark.value;
      question.found_epoch = state.leader_epoch.value;
      return;
    case kEarliest:
    case kEarliestLocal:
      question.found_offset = state.log_start.value;
      question.found_epoch = partition.log().epoch_at(state.log_start).value;
      return;
    case kLatestTiered:
    case kEarliestPendingUpload: return;  // Nothing is tiered: no such offset.
    default: return answer_by_time(partition, question);
  }
}

std::vector<Question> read_questions(const ListOffsetsRequest& message, const Image& image, std::int16_t version) {
  std::vector<Question> questions;
  for (const auto& topic : message.topics) {
    for (const auto& partition : topic.partitions) {
      Question& question = questions.emplace_back();
      question.current_leader_epoch = partition.current_leader_epoch;
      question.timestamp = partition.timestamp;
      question.error = resolve(image, topic.name, partition.partition_index, question.id);
      if (!is_known_in(partition.timestamp, version)) question.error = ErrorCode::unsupported_version;
    }
  }
  return questions;
}

void respond_with(const Request& request, const ListOffsetsRequest& message, const std::vector<Question>& questions, SendQueue& to) {
  std::vector<ListOffsetsResponse::ListOffsetsPartitionResponse> partitions;
  std::vector<ListOffsetsResponse::ListOffsetsTopicResponse> topics;
  partitions.reserve(questions.size());  // Spans into it are taken below.
  auto question = questions.begin();
  for (const auto& topic : message.topics) {
    const std::size_t begin = partitions.size();
    for (const auto& partition : topic.partitions) {
      partitions.push_back({.partition_index = partition.partition_index,
                            .error_code = static_cast<std::int16_t>(question->error),
                            .timestamp = question->found_timestamp,
                            .offset = question->found_offset,
                            .leader_epoch = question->found_epoch});
      ++question;
    }
    topics.push_back(
        {.name = topic.name, .partitions = std::span<const ListOffsetsResponse::ListOffsetsPartitionResponse>(partitions).subspan(begin)});
  }
  ListOffsetsResponse response;
  response.topics = std::span<const ListOffsetsResponse::ListOffsetsTopicResponse>(topics);
  respond(request, response, to);
}

}  // namespace

/// ListOffsets (key 2): where a time, the beginning or the end lies. Consumers see no further than the high watermark.
Handle handle_list_offsets(HandlerContext context, Request request, SendQueue& to) {
  ListOffsetsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a ListOffsets request could not be read");
    co_return Outcome::close;
  }
  std::vector<Question> questions = read_questions(message, context.image(), request.header.api_version);
  co_await ask_owners(context, questions, answer);
  respond_with(request, message, questions, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
