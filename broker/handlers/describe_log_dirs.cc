#include "broker/handlers/admission.h"
#include "broker/handlers/cluster_view.h"
#include "broker/handlers/per_partition.h"
#include "broker/log_dirs.h"
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
  std::size_t dir = 0;  ///< Of the log directories, the one it is in.
  std::int64_t offset_lag = 0;
  std::int64_t size_bytes = 0;
};

/// Where the bytes are, and how far this replica is behind what is committed. Their size is asked of the disk: a log that is not in use
/// need not be loaded for it, and one that is offline still has one.
void answer(Partition& partition, Question& question) {
  const PartitionState state = partition.state();
  question.directory = partition.log().directory();
  question.dir = partition.dir();
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

/// What a disk says.
struct MeasuredDir {
  std::string path;
  bool is_online = false;
  Result<storage::DiskSpace> space = Errc::io;
  std::vector<LogSize> logs;
  std::vector<Question*> questions;  ///< Of these logs.
};

struct Measured {
  std::vector<Question> questions;  ///< With their answers.
  std::vector<MeasuredDir> dirs;
};

asio::awaitable<void> measure_at_home(const Node& node, Measured& measured) {
  for (const auto& served : node.dirs.all()) {
    MeasuredDir& dir = measured.dirs[served->index];
    dir.is_online = served->is_online();
    if (dir.is_online) dir.space = co_await node.home().log_sizes.measure(dir.path, dir.logs);
  }
}

void take_sizes(const MeasuredDir& dir) {
  for (std::size_t i = 0; i < dir.logs.size(); ++i) {
    if (dir.logs[i].bytes) {
      dir.questions[i]->size_bytes = static_cast<std::int64_t>(*dir.logs[i].bytes);
    } else {
      dir.questions[i]->error = ErrorCode::kafka_storage_error;  // Its topic was deleted just now, or the disk is ill.
    }
  }
}

asio::awaitable<void> measure(HandlerContext context, Measured& measured) {
  for (const auto& served : context.node.dirs.all()) measured.dirs.emplace_back().path = served->path();
  for (Question& question : measured.questions) {
    if (question.error != ErrorCode::none) continue;
    MeasuredDir& dir = measured.dirs[question.dir];
    dir.logs.push_back({.id = question.id, .directory = std::move(question.directory)});
    dir.questions.push_back(&question);
  }
  co_await await_on(context.node.home().shard.loop(), context.loop(), measure_at_home(context.node, measured));
  for (const MeasuredDir& dir : measured.dirs) take_sizes(dir);
}

/// The answer about one directory, and what its views point to.
struct Laid {
  std::string path;
  std::vector<PartitionAnswer> partitions;
  std::vector<TopicAnswer> topics;
};

DirAnswer lay_out(const MeasuredDir& measured, Laid& laid) {
  const std::vector<Question*>& questions = measured.questions;
  laid.partitions.reserve(questions.size());  // Spans into it are taken below.
  std::size_t begin = 0;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const Question& question = *questions[i];
    if (question.error == ErrorCode::none) {
      laid.partitions.push_back(
          {.partition_index = question.id.partition.value, .partition_size = question.size_bytes, .offset_lag = question.offset_lag});
    }
    const bool topic_ends = i + 1 == questions.size() || questions[i + 1]->topic != question.topic;
    if (!topic_ends || begin == laid.partitions.size()) continue;
    laid.topics.push_back({.name = question.topic, .partitions = std::span<const PartitionAnswer>(laid.partitions).subspan(begin)});
    begin = laid.partitions.size();
  }
  // Kafka tells absolute paths, and tools compare them over brokers.
  laid.path = std::filesystem::absolute(measured.path).lexically_normal().string();
  DirAnswer dir;
  dir.log_dir = laid.path;
  const bool is_well = measured.is_online && measured.space.has_value();
  dir.error_code = static_cast<std::int16_t>(is_well ? ErrorCode::none : ErrorCode::kafka_storage_error);
  if (measured.is_online) dir.topics = std::span<const TopicAnswer>(laid.topics);
  if (!is_well) return dir;
  dir.total_bytes = static_cast<std::int64_t>(measured.space->total_bytes);
  dir.usable_bytes = static_cast<std::int64_t>(measured.space->usable_bytes);
  return dir;
}

void respond_with(const Request& request, const Measured& measured, SendQueue& to) {
  std::vector<Laid> laid(measured.dirs.size());
  std::vector<DirAnswer> dirs;
  for (std::size_t i = 0; i < measured.dirs.size(); ++i) dirs.push_back(lay_out(measured.dirs[i], laid[i]));
  DescribeLogDirsResponse response;
  response.results = std::span<const DirAnswer>(dirs);
  respond(request, response, to);
}

}  // namespace

/// DescribeLogDirs (key 35; KIP-113, KIP-827): what lies in each log directory, and what still fits.
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
  Measured measured{.questions = read_questions(message, *image), .dirs = {}};
  co_await ask_owners(context, measured.questions, answer);
  co_await measure(context, measured);
  respond_with(request, measured, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
