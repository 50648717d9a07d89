#include "tests/attack/bystander.h"

#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"
#include "proto/messages/fetch_request.h"
#include "proto/messages/fetch_response.h"
#include "proto/messages/metadata_request.h"
#include "proto/messages/metadata_response.h"
#include "proto/messages/produce_request.h"
#include "proto/messages/produce_response.h"
#include "proto/record/reader.h"
#include "tests/attack/frames.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

namespace tidelog::attack {
namespace {

using proto::FetchRequest;
using proto::FetchResponse;
using proto::MetadataRequest;
using proto::MetadataResponse;
using proto::ProduceRequest;
using proto::ProduceResponse;

constexpr std::int16_t kVersion = 9;  ///< Of all three: flexible or not, and by name.
constexpr Milliseconds kBetweenRounds{3};
constexpr int kRoundsPerMetadata = 10;
constexpr int kRoundsPerWide = 25;
constexpr std::size_t kKeptComplaints = 10;

Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

template <class Request>
std::string framed(const Request& request, std::int32_t correlation) {
  proto::Output out;
  const std::size_t start = proto::begin_request(
      out, {.api_key = Request::kKey, .api_version = kVersion, .correlation_id = correlation, .client_id = "bystander"});
  proto::encode(request, kVersion, out);
  proto::end_request(out, start);
  return {reinterpret_cast<const char*>(out.bytes().data()), out.size()};
}

template <class Request, class Response>
bool read_answer(std::string_view payload, Response& into) {
  const auto frame = proto::decode_response(as_bytes(payload), Request::kKey, kVersion);
  return frame && proto::decode(frame->body, kVersion, into);
}

std::string value_of(std::int64_t number) { return "bystander record " + std::to_string(number); }

}  // namespace

void Bystander::fail(const std::string& why) {
  ++failures_;
  const std::chrono::duration<double> since = Clock::now() - began_;
  if (complaints_.size() < kKeptComplaints) complaints_.push_back("after " + std::to_string(since.count()) + " s, " + why);
  socket_ = Socket();
  rest_.clear();
}

bool Bystander::ask(const std::string& request, std::int32_t correlation, std::string& answer, const char* what) {
  ++requests_;
  const Clock::time_point began = Clock::now();
  const auto until = began + bound_;
  if (!socket_.is_open()) socket_ = Socket(target_);
  if (!socket_.is_open() || !socket_.send_all(request, until)) return fail(std::string(what) + ": could not be sent"), false;
  const Socket::State state = socket_.receive_frame(answer, rest_, until);
  slowest_ = std::max(slowest_, std::chrono::duration_cast<Milliseconds>(Clock::now() - began));
  if (state == Socket::State::closed) return fail(std::string(what) + ": the connection was closed"), false;
  if (state == Socket::State::nothing)
    return fail(std::string(what) + ": no answer within " + std::to_string(bound_.count()) + " ms"), false;
  if (answer.size() < 4 || load_be<std::int32_t>(reinterpret_cast<const std::byte*>(answer.data())) != correlation) {
    return fail(std::string(what) + ": the answer is another request's"), false;
  }
  return true;
}

bool Bystander::produce() {
  const std::string batch = batch_of("key", value_of(next_value_));
  const std::vector<ProduceRequest::PartitionProduceData> partitions{{.index = 0, .records = {.bytes = as_bytes(batch)}}};
  const std::vector<ProduceRequest::TopicProduceData> topics{{.name = topic_, .partition_data = partitions}};
  const std::int32_t correlation = ++correlation_;
  std::string answer;
  if (!ask(framed(ProduceRequest{.acks = -1, .timeout_ms = 5000, .topic_data = topics}, correlation), correlation, answer, "produce"))
    return false;
  ProduceResponse response;
  if (!read_answer<ProduceRequest>(answer, response)) return fail("produce: the answer cannot be read"), false;
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partition_responses) {
      if (partition.error_code != 0) return fail("produce: error " + std::to_string(partition.error_code)), false;
      if (partition.base_offset != next_value_) return fail("produce: offset " + std::to_string(partition.base_offset)), false;
    }
  }
  ++next_value_;
  ++acknowledged_;
  return true;
}

bool Bystander::read_batches(Bytes batches, std::int64_t offset, std::vector<std::string>& values) {
  proto::RecordReader reader;
  while (!batches.empty()) {
    const auto batch = proto::BatchView::parse(batches);
    if (!batch) return true;  // The last may be cut off.
    if (!batch->crc_ok()) return fail("fetch: a batch is damaged"), false;
    const Result<void> read = proto::for_each_record(*batch, reader, [&](const proto::RecordView& record) {
      if (record.offset.value < offset) return;
      values.emplace_back(reinterpret_cast<const char*>(record.value.data()), record.value.size());
    });
    if (!read) return fail("fetch: a batch cannot be read"), false;
    batches = batches.subspan(batch->size_bytes());
  }
  return true;
}

bool Bystander::read_from(const Wanted& wanted, std::vector<std::string>& values) {
  std::vector<FetchRequest::FetchPartition> partitions;
  for (std::int32_t i = 0; i < wanted.partitions; ++i) {
    partitions.push_back({.partition = i, .fetch_offset = wanted.offset, .partition_max_bytes = 1 << 20});
  }
  const std::vector<FetchRequest::FetchTopic> topics{{.topic = wanted.topic, .partitions = partitions}};
  const std::int32_t correlation = ++correlation_;
  std::string answer;
  const FetchRequest request{.max_wait_ms = 500, .min_bytes = 1, .max_bytes = 1 << 20, .topics = topics};
  const std::string what(wanted.what);
  if (!ask(framed(request, correlation), correlation, answer, wanted.what)) return false;
  FetchResponse response;
  if (!read_answer<FetchRequest>(answer, response)) return fail(what + ": the answer cannot be read"), false;
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != 0) return fail(what + ": error " + std::to_string(partition.error_code)), false;
      if (!read_batches(partition.records.bytes, wanted.offset, values)) return false;
    }
  }
  return true;
}

bool Bystander::fetch() {
  std::vector<std::string> values;
  if (!read_from({.topic = topic_, .offset = consumed_}, values)) return false;
  if (values.empty() && consumed_ < next_value_) return fail("fetch: an acknowledged record is not there"), false;
  for (const std::string& value : values) {
    if (value != value_of(consumed_++)) return fail("fetch: another record than was stored at " + std::to_string(consumed_ - 1)), false;
  }
  return true;
}

bool Bystander::metadata() {
  const std::vector<MetadataRequest::MetadataRequestTopic> topics{{.name = topic_}};
  const std::int32_t correlation = ++correlation_;
  std::string answer;
  if (!ask(framed(MetadataRequest{.topics = topics}, correlation), correlation, answer, "metadata")) return false;
  MetadataResponse response;
  if (!read_answer<MetadataRequest>(answer, response)) return fail("metadata: the answer cannot be read"), false;
  for (const auto& topic : response.topics) {
    if (topic.error_code != 0) return fail("metadata: error " + std::to_string(topic.error_code)), false;
  }
  return true;
}

bool Bystander::produce_wide() {
  const std::string batch = batch_of("key", value_of(wide_rounds_));
  std::vector<ProduceRequest::PartitionProduceData> partitions;
  for (std::int32_t i = 0; i < kWidePartitions; ++i) partitions.push_back({.index = i, .records = {.bytes = as_bytes(batch)}});
  const std::vector<ProduceRequest::TopicProduceData> topics{{.name = wide_topic_, .partition_data = partitions}};
  const std::int32_t correlation = ++correlation_;
  std::string answer;
  const ProduceRequest request{.acks = -1, .timeout_ms = 5000, .topic_data = topics};
  if (!ask(framed(request, correlation), correlation, answer, "wide produce")) return false;
  ProduceResponse response;
  if (!read_answer<ProduceRequest>(answer, response)) return fail("wide produce: the answer cannot be read"), false;
  std::int32_t stored = 0;
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partition_responses) {
      stored += partition.error_code == 0 && partition.base_offset == wide_rounds_ ? 1 : 0;
    }
  }
  if (stored != kWidePartitions) return fail("wide produce: " + std::to_string(stored) + " partitions stored it"), false;
  ++wide_rounds_;
  return true;
}

/// The newest record of each partition.
bool Bystander::fetch_wide() {
  std::vector<std::string> values;
  const Wanted wanted{.topic = wide_topic_, .partitions = kWidePartitions, .offset = wide_rounds_ - 1, .what = "wide fetch"};
  if (!read_from(wanted, values)) return false;
  const std::string newest = value_of(wide_rounds_ - 1);
  const auto found = std::ranges::count(values, newest);
  if (found != kWidePartitions) return fail("wide fetch: " + std::to_string(found) + " partitions have the newest record"), false;
  return true;
}

void Bystander::run(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  for (int round = 0; !stop.stop_requested(); ++round) {
    const bool all_well = produce() && fetch() && (round % kRoundsPerMetadata != 0 || metadata()) &&
                          (round % kRoundsPerWide != 0 || (produce_wide() && fetch_wide()));
    // A steady client, not a flood. After a failure nobody knows whether the record is stored: the run has failed, and its end still tells
    // where the broker stands.
    stopped.wait_for(lock, stop, all_well ? kBetweenRounds : bound_, [] { return false; });
  }
}

std::string Bystander::verify() {
  std::int64_t at = 0;
  while (at < next_value_) {
    std::vector<std::string> values;
    if (!read_from({.topic = topic_, .offset = at}, values)) return complaints_.empty() ? "a fetch failed" : complaints_.back();
    if (values.empty()) return "records from " + std::to_string(at) + " on are missing, of " + std::to_string(next_value_);
    for (const std::string& value : values) {
      if (value != value_of(at)) return "record " + std::to_string(at) + " is \"" + value + "\"";
      ++at;
    }
  }
  if (at != next_value_) return std::to_string(at) + " records instead of " + std::to_string(next_value_);
  if (wide_rounds_ > 0 && !fetch_wide()) return complaints_.empty() ? "a wide fetch failed" : complaints_.back();
  return {};
}

}  // namespace tidelog::attack
