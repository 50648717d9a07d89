#include "broker/handlers/per_partition.h"
#include "broker/handlers/time_lookup.h"
#include "broker/partition/log_config.h"
#include "proto/messages/list_offsets_request.h"
#include "proto/messages/list_offsets_response.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
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

/// Whatever a topic allows, no more is opened to find a record by its time.
constexpr std::size_t kMostOpenedBytes = std::size_t{64} << 20;

/// A peer that is gone is not noticed while it is searched for, and most clients wait no longer.
constexpr std::chrono::milliseconds kLongestSearch{30'000};
constexpr std::int16_t kFirstWithTimeout = 10;

struct Question {
  TopicPartition id;
  std::int32_t index = 0;  ///< As the client named it.
  std::int32_t current_leader_epoch = -1;
  std::int64_t timestamp = 0;
  ErrorCode error = ErrorCode::none;
  std::int64_t found_timestamp = -1;
  std::int64_t found_offset = -1;
  std::int32_t found_epoch = -1;
  bool is_by_time = false;  ///< Its answer has to be looked for, below `limit`.
  Offset limit{0};
  std::size_t max_opened_bytes = 0;
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
      question.found_epoch = partition.epoch_at(state.log_start).value;
      return;
    case kLatestTiered:
    case kEarliestPendingUpload: return;  // Nothing is tiered: no such offset.
    default:
      question.is_by_time = true;
      question.limit = state.high_watermark;
      question.max_opened_bytes = std::min(max_opened_bytes(partition.config()), kMostOpenedBytes);
  }
}

asio::awaitable<void> answer_by_time(HandlerContext context, Question& question, SteadyTime until) {
  std::optional<TimestampMs> at_least;
  if (question.timestamp != kMaxTimestamp) at_least = TimestampMs{question.timestamp};
  storage::TimeSearch search({.at_least = at_least, .limit = question.limit, .max_opened_bytes = question.max_opened_bytes});
  question.error = co_await look_up_time(context, {.id = question.id, .search = search, .until = until});
  if (question.error != ErrorCode::none || !search.found()) co_return;  // No such record: -1 and -1.
  question.found_offset = search.found()->offset.value;
  question.found_timestamp = search.found()->timestamp.value;
  question.found_epoch = search.found()->leader_epoch.value;
}

/// A topic as the request groups its partitions; `end` is the index behind its last question.
struct Topic {
  std::string name;
  std::size_t end;
};

struct Questions {
  std::vector<Question> all;
  std::vector<Topic> topics;
};

ErrorCode check(const ListOffsetsRequest& message, std::int64_t timestamp, std::int16_t version) {
  if (message.isolation_level != 0 && message.isolation_level != 1) return ErrorCode::invalid_request;
  return is_known_in(timestamp, version) ? ErrorCode::none : ErrorCode::unsupported_version;
}

/// A question with its partition found, and with what is wrong with it; none if it can be asked.
Question to_question(const ListOffsetsRequest::ListOffsetsPartition& asked, const Image& image, std::string_view topic, ErrorCode problem) {
  Question question;
  question.index = asked.partition_index;
  question.current_leader_epoch = asked.current_leader_epoch;
  question.timestamp = asked.timestamp;
  const ErrorCode unknown = resolve(image, topic, question.index, question.id);
  question.error = problem == ErrorCode::none ? unknown : problem;
  return question;
}

/// A partition that is asked for twice gets one answer, an error: two would leave the client to guess which is which.
Questions read_questions(const ListOffsetsRequest& message, const Image& image, std::int16_t version) {
  Questions questions;
  std::map<std::pair<std::string_view, std::int32_t>, std::size_t> asked;
  for (const auto& topic : message.topics) {
    for (const auto& partition : topic.partitions) {
      const auto [first, is_new] = asked.try_emplace({topic.name, partition.partition_index}, questions.all.size());
      if (is_new)
        questions.all.push_back(to_question(partition, image, topic.name, check(message, partition.timestamp, version)));
      else
        questions.all[first->second].error = ErrorCode::invalid_request;
    }
    questions.topics.push_back({.name = std::string(topic.name), .end = questions.all.size()});
  }
  return questions;
}

SteadyTime longest_search(const ListOffsetsRequest& message, std::int16_t version) {
  if (version < kFirstWithTimeout || message.timeout_ms <= 0) return kLongestSearch;
  return std::min(std::chrono::milliseconds(message.timeout_ms), kLongestSearch);
}

void respond_with(const Request& request, const Questions& questions, SendQueue& to) {
  std::vector<ListOffsetsResponse::ListOffsetsPartitionResponse> partitions;
  std::vector<ListOffsetsResponse::ListOffsetsTopicResponse> topics;
  partitions.reserve(questions.all.size());  // Spans into it are taken below.
  for (const Topic& topic : questions.topics) {
    const std::size_t begin = partitions.size();
    if (begin == topic.end) continue;
    for (std::size_t i = begin; i < topic.end; ++i) {
      const Question& question = questions.all[i];
      partitions.push_back({.partition_index = question.index,
                            .error_code = static_cast<std::int16_t>(question.error),
                            .timestamp = question.found_timestamp,
                            .offset = question.found_offset,
                            .leader_epoch = question.found_epoch});
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
  Questions questions = read_questions(message, context.image(), request.header.api_version);
  const SteadyTime until = context.loop().now() + longest_search(message, request.header.api_version);
  co_await ask_owners(context, questions.all, answer);
  std::string client_id;
  if (std::ranges::any_of(questions.all, &Question::is_by_time)) let_go_of(request, context.connection, client_id);
  for (Question& question : questions.all) {
    if (question.is_by_time) co_await answer_by_time(context, question, until);
  }
  respond_with(request, questions, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
