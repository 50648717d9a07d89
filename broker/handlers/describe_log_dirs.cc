#include "broker/handlers/admission.h"
#include "broker/handlers/cluster_view.h"
#include "broker/handlers/per_partition.h"
#include "proto/messages/describe_log_dirs_request.h"
#include "proto/messages/describe_log_dirs_response.h"

#include <filesystem>
#include <map>
#include <set>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::DescribeLogDirsRequest;
using proto::DescribeLogDirsResponse;
using DirAnswer = DescribeLogDirsResponse::DescribeLogDirsResult;
using TopicAnswer = DescribeLogDirsResponse::DescribeLogDirsTopic;
using PartitionAnswer = DescribeLogDirsResponse::DescribeLogDirsPartition;

/// What a partition comes to, its path included, from the question to the written answer.
constexpr std::size_t kPartitionBytes = 512;

struct Question {
  TopicPartition id;
  std::string_view topic;
  ErrorCode error = ErrorCode::none;
  std::string directory;
  std::int64_t offset_lag = 0;
  std::int64_t size_bytes = 0;
};

/// Where the bytes are, and how far this replica is behind what is committed. Their size is asked of the disk: a log that is not in use
/// need not be loaded for it, and one that is offline still has one.
void answer(Partition& partition, Question& question) {
  const PartitionState state = partition.state();
  question.directory = partition.log().directory();
  question.offset_lag = std::max<std::int64_t>(state.high_watermark - state.log_end, 0);
}

void ask_for(const TopicImage& topic, std::int32_t index, std::vector<Question>& questions) {
  questions.push_back({.id = {.topic_id = topic.id, .partition = {index}}, .topic = topic.name, .directory = {}});
}

/// In the order of names and numbers, each once. What is not here is left out of the answer.
std::vector<Question> read_questions(const DescribeLogDirsRequest& message, const Image& image) {
  std::vector<Question> questions;
  if (message.topics.is_null()) {
    for (const auto& [name, topic] : image.topics()) {
      for (const PartitionImage& partition : topic->partitions) ask_for(*topic, partition.index.value, questions);
    }
    return questions;
  }
  std::map<std::string_view, std::set<std::int32_t>> asked;
  for (const auto& topic : message.topics) {
    for (const std::int32_t partition : topic.partitions) asked[topic.topic].insert(partition);
  }
  for (const auto& [name, partitions] : asked) {
    TopicPartition id;
    for (const std::int32_t index : partitions) {
      if (resolve(image, name, index, id) == ErrorCode::none) ask_for(*image.find_topic(name), index, questions);
    }
  }
  return questions;
}

/// What the disk says.
struct Measured {
  std::vector<Question> questions;  ///< With their answers.
  Result<storage::DiskSpace> space = Errc::io;
};

asio::awaitable<void> measure_at_home(const Node& node, std::vector<LogSize>& logs, Result<storage::DiskSpace>& space) {
  space = co_await node.home().log_sizes.measure(node.options.log_dirs.front(), logs);
}

asio::awaitable<void> measure(HandlerContext context, Measured& measured) {
  std::vector<LogSize> logs;
  for (Question& question : measured.questions) {
    if (question.error == ErrorCode::none) logs.push_back({.id = question.id, .directory = std::move(question.directory)});
  }
  co_await await_on(context.node.home().shard.loop(), context.loop(), measure_at_home(context.node, logs, measured.space));
  auto log = logs.begin();
  for (Question& question : measured.questions) {
    if (question.error != ErrorCode::none) continue;
    if (log->bytes) {
      question.size_bytes = static_cast<std::int64_t>(*log->bytes);
    } else {
      question.error = ErrorCode::kafka_storage_error;  // Its topic was deleted just now, or the disk is ill.
    }
    ++log;
  }
}

void respond_with(HandlerContext context, const Request& request, const Measured& measured, SendQueue& to) {
  const std::vector<Question>& questions = measured.questions;
  std::vector<PartitionAnswer> partitions;
  std::vector<TopicAnswer> topics;
  partitions.reserve(questions.size());  // Spans into it are taken below.
  std::size_t begin = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Question& question = questions[i];
    if (question.error == ErrorCode::none) {
      partitions.push_back(
          {.partition_index = question.id.partition.value, .partition_size = question.size_bytes, .offset_lag = question.offset_lag});
    }
    const bool topic_ends = i + 1 == questions.size() || questions[i + 1].topic != question.topic;
    if (!topic_ends || begin == partitions.size()) continue;
    topics.push_back({.name = question.topic, .partitions = std::span<const PartitionAnswer>(partitions).subspan(begin)});
    begin = partitions.size();
  }
  // Kafka tells absolute paths, and tools compare them over brokers.
  const std::string path = std::filesystem::absolute(context.node.options.log_dirs.front()).lexically_normal().string();
  DirAnswer dir;
  dir.log_dir = path;
  dir.error_code = static_cast<std::int16_t>(measured.space ? ErrorCode::none : ErrorCode::kafka_storage_error);
  dir.topics = std::span<const TopicAnswer>(topics);
  if (measured.space) {
    dir.total_bytes = static_cast<std::int64_t>(measured.space->total_bytes);
    dir.usable_bytes = static_cast<std::int64_t>(measured.space->usable_bytes);
  }
  DescribeLogDirsResponse response;
  response.results = std::span<const DirAnswer>(&dir, 1);
  respond(request, response, to);
}

}  // namespace

/// DescribeLogDirs (key 35; KIP-113, KIP-827): what lies in the log directory, and what still fits.
Handle handle_describe_log_dirs(HandlerContext context, Request request, SendQueue& to) {
  DescribeLogDirsRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a DescribeLogDirs request could not be read");
    co_return Outcome::close;
  }
  const std::shared_ptr<const Image> image = context.here.image;  // Held: shards swap theirs, and the names are its.
  // Those that are named were paid for when the request was admitted.
  const std::size_t unnamed = message.topics.is_null() ? count_partitions(*image) : 0;
  if (!co_await take_for_answer(context, unnamed * kPartitionBytes)) co_return Outcome::close;
  Measured measured{.questions = read_questions(message, *image)};
  co_await ask_owners(context, measured.questions, answer);
  co_await measure(context, measured);
  respond_with(context, request, measured, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
