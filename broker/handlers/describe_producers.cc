#include "broker/handlers/admission.h"
#include "broker/handlers/per_partition.h"
#include "proto/messages/describe_producers_request.h"
#include "proto/messages/describe_producers_response.h"

#include <set>
#include <utility>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::DescribeProducersRequest;
using proto::DescribeProducersResponse;
using TopicAnswer = DescribeProducersResponse::TopicResponse;
using PartitionAnswer = DescribeProducersResponse::PartitionResponse;
using ProducerAnswer = DescribeProducersResponse::ProducerState;

/// What a producer comes to, laid out and written.
constexpr std::size_t kProducerBytes = sizeof(ProducerAnswer) + 128;

struct Question {
  TopicPartition id;
  ErrorCode error = ErrorCode::none;
  std::size_t producer_count = 0;  ///< At most, when they were counted.
  std::vector<ProducerAnswer> producers;
  std::string message;
};

void count(Partition& partition, Question& question) { question.producer_count = partition.log().producers().entries().size(); }

/// Of a partition that is served, what of it is not: no answer of Kafka's has a place for that, and this one a text.
std::string damage_of(const storage::Log& log) {
  std::string text;
  for (const storage::DamagedRange& range : log.damage().ranges()) {
    if (range.to <= log.log_start_offset()) continue;  // It belongs to nobody any more.
    text += (text.empty() ? "" : "; ") + storage::describe(log.directory(), range);
  }
  return text;
}

void answer(Partition& partition, Question& question) {
  // One producer's batches stand together, oldest first: the last one tells how far it came.
  for (const storage::ProducerEntry& entry : partition.log().producers().entries()) {
    const bool is_same = !question.producers.empty() && question.producers.back().producer_id == entry.id.value;
    ProducerAnswer& producer = is_same ? question.producers.back() : question.producers.emplace_back();
    producer.producer_id = entry.id.value;
    producer.producer_epoch = entry.epoch;
    producer.last_sequence = entry.batch.last_sequence;
    producer.last_timestamp = entry.batch.timestamp.value;
    producer.coordinator_epoch = -1;  // No transaction marker was ever written: there is no coordinator yet.
  }
  question.message = damage_of(partition.log());
  if (partition.is_offline()) question.error = ErrorCode::kafka_storage_error;
}

std::string_view explain(ErrorCode error) {
  switch (error) {
    case ErrorCode::none: return {};
    case ErrorCode::invalid_request: return "it was asked about more than once in one request";
    case ErrorCode::unknown_topic_or_partition: return "there is no such partition";
    case ErrorCode::kafka_storage_error: return "the partition is offline after a disk failure: see the broker's log";
    default: return "the partition is not served here: fetch the topic's metadata again";
  }
}

void respond_with(const Request& request, const DescribeProducersRequest& message, const std::vector<Question>& questions, SendQueue& to) {
  std::vector<PartitionAnswer> partitions;
  std::vector<TopicAnswer> topics;
  partitions.reserve(questions.size());  // Spans into it are taken below.
  auto question = questions.begin();
  for (const auto& topic : message.topics) {
    const std::size_t begin = partitions.size();
    for (const std::int32_t index : topic.partition_indexes) {
      partitions.push_back({.partition_index = index,
                            .error_code = static_cast<std::int16_t>(question->error),
                            .error_message = question->message.empty() ? explain(question->error) : std::string_view(question->message),
                            .active_producers = std::span<const ProducerAnswer>(question->producers)});
      ++question;
    }
    topics.push_back({.name = topic.name, .partitions = std::span<const PartitionAnswer>(partitions).subspan(begin)});
  }
  DescribeProducersResponse response;
  response.topics = std::span<const TopicAnswer>(topics);
  respond(request, response, to);
}

}  // namespace

/// DescribeProducers (key 61; KIP-664): the idempotent producers that partitions remember.
Handle handle_describe_producers(HandlerContext context, Request request, SendQueue& to) {
  DescribeProducersRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a DescribeProducers request could not be read");
    co_return Outcome::close;
  }
  std::vector<Question> questions;
  // A few bytes more of the request must not bring all of a partition's producers once more.
  std::set<std::pair<std::string_view, std::int32_t>> asked;
  for (const auto& topic : message.topics) {
    for (const std::int32_t index : topic.partition_indexes) {
      Question& question = questions.emplace_back();
      const bool is_new = asked.emplace(topic.name, index).second;
      question.error = is_new ? resolve(context.image(), topic.name, index, question.id) : ErrorCode::invalid_request;
    }
  }
  co_await ask_owners(context, questions, count);
  std::size_t producers = 0;
  for (const Question& question : questions) producers += question.producer_count;
  if (!co_await take_for_answer(context, producers * kProducerBytes)) co_return Outcome::close;
  co_await ask_owners(context, questions, answer);
  respond_with(request, message, questions, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
