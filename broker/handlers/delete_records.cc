#include "broker/checkpointer.h"
#include "broker/handlers/per_partition.h"
#include "broker/metadata/topic_names.h"
#include "proto/messages/delete_records_request.h"
#include "proto/messages/delete_records_response.h"

#include <iterator>
#include <set>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::DeleteRecordsRequest;
using proto::DeleteRecordsResponse;
using TopicAnswer = DeleteRecordsResponse::DeleteRecordsTopicResult;
using PartitionAnswer = DeleteRecordsResponse::DeleteRecordsPartitionResult;

struct Question {
  TopicPartition id;
  Offset before;  ///< -1: everything that is committed.
  ErrorCode error = ErrorCode::none;
  Offset low_watermark{-1};
  bool is_durable = true;
  std::size_t dir = 0;  ///< The log directory whose manifest has to say so.

  void fail(ErrorCode why) {
    error = why;
    low_watermark = {-1};
  }
};

void move_log_start(Partition& partition, Question& question) {
  const Result<Offset, ErrorCode> start = partition.delete_records(question.before);
  if (!start) return question.fail(start.error());
  question.low_watermark = *start;
  question.dir = partition.dir();
  // Even if this request moved nothing: an earlier one may have, and was not answered yet.
  question.is_durable = *start <= partition.log().durable_log_start();
}

std::vector<Question> read_questions(const DeleteRecordsRequest& message, const Image& image) {
  std::vector<Question> questions;
  for (const auto& topic : message.topics) {
    for (const auto& partition : topic.partitions) {
      Question& question = questions.emplace_back();
      question.before = {partition.offset};
      question.error = resolve(image, topic.name, partition.partition_index, question.id);
      // Coordinators keep their state there.
      if (question.error == ErrorCode::none && is_internal_topic(topic.name)) question.error = ErrorCode::invalid_topic_exception;
    }
  }
  return questions;
}

/// On the checkpointers' loop. Those directories stay that could not be written.
asio::awaitable<void> write_log_starts(const Node& node, std::set<std::size_t>& dirs) {
  for (auto dir = dirs.begin(); dir != dirs.end();) {
    const bool are_durable = co_await node.checkpointers[*dir]->log_starts_are_durable();
    dir = are_durable ? dirs.erase(dir) : std::next(dir);
  }
}

/// Makes the new log starts survive a crash, then frees what lies below them.
asio::awaitable<void> make_durable(HandlerContext context, std::vector<Question>& questions) {
  std::set<std::size_t> dirs;
  for (const Question& question : questions) {
    if (!question.is_durable) dirs.insert(question.dir);
  }
  if (dirs.empty()) co_return;
  co_await await_on(context.node.home().shard.loop(), context.loop(), write_log_starts(context.node, dirs));
  for (Question& question : questions) {
    if (!question.is_durable && dirs.contains(question.dir)) question.fail(ErrorCode::kafka_storage_error);
  }
  const auto remove = [](Partition& partition, Question& question) {
    // A log that went offline meanwhile was left as it is.
    if (partition.log().durable_log_start() < question.low_watermark) return question.fail(ErrorCode::kafka_storage_error);
    partition.remove_dead_segments();
  };
  co_await ask_owners(context, questions, remove);
}

void respond_with(const Request& request, const DeleteRecordsRequest& message, const std::vector<Question>& questions, SendQueue& to) {
  std::vector<PartitionAnswer> partitions;
  std::vector<TopicAnswer> topics;
  partitions.reserve(questions.size());  // Spans into it are taken below.
  auto question = questions.begin();
  for (const auto& topic : message.topics) {
    const std::size_t begin = partitions.size();
    for (const auto& partition : topic.partitions) {
      partitions.push_back({.partition_index = partition.partition_index,
                            .low_watermark = question->low_watermark.value,
                            .error_code = static_cast<std::int16_t>(question->error)});
      ++question;
    }
    topics.push_back({.name = topic.name, .partitions = std::span<const PartitionAnswer>(partitions).subspan(begin)});
  }
  DeleteRecordsResponse response;
  response.topics = std::span<const TopicAnswer>(topics);
  respond(request, response, to);
}

}  // namespace

/// DeleteRecords (key 21; KIP-107). When the answer leaves, a crash cannot bring the records back.
Handle handle_delete_records(HandlerContext context, Request request, SendQueue& to) {
  DeleteRecordsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a DeleteRecords request could not be read");
    co_return Outcome::close;
  }
  std::vector<Question> questions = read_questions(message, context.image());
  co_await ask_owners(context, questions, move_log_start);
  co_await make_durable(context, questions);
  respond_with(request, message, questions, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
