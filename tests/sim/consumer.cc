#include "tests/sim/consumer.h"

#include "proto/error_code.h"
#include "proto/messages/fetch_request.h"
#include "proto/record/reader.h"

namespace tidelog::sim {
namespace {

using proto::FetchRequest;
using proto::FetchResponse;

constexpr std::int16_t kFirstVersionWithIds = 13;
/// An answer after this long was not there when the question came: the broker was waiting for records.
constexpr SteadyTime kLongerThanAnyTransit = std::chrono::milliseconds(30);

}  // namespace

SimConsumer::SimConsumer(ClientWorld& clients, SimLoop& loop, ConsumerPlan plan, Dice dice)
    : clients_(clients),
      loop_(loop),
      plan_(plan),
      dice_(dice),
      offsets_(static_cast<std::size_t>(clients.partitions)),
      high_watermarks_(offsets_.size(), -1),
      seen_(offsets_.size()) {}

std::string SimConsumer::state() const {
  std::string text = "consumer " + std::to_string(plan_.id) + ":";
  for (std::size_t i = 0; i < offsets_.size(); ++i) text += " " + std::to_string(offsets_[i]) + "/" + std::to_string(high_watermarks_[i]);
  return text;
}

asio::awaitable<void> SimConsumer::run() {
  while (!clients_.should_stop && !is_at_end()) {
    const std::unique_ptr<KafkaConnection> connection = co_await connect_or_rest(clients_, loop_, dice_);
    if (connection != nullptr) co_await work(*connection);
  }
  is_done_ = true;
}

asio::awaitable<void> SimConsumer::work(KafkaConnection& connection) {
  while (!clients_.should_stop && !is_at_end()) {
    if (co_await fetch(connection)) continue;
    co_await loop_.sleep(std::chrono::milliseconds(10));
    co_return;
  }
}

bool SimConsumer::is_at_end() const { return plan_.leaves_at_end && offsets_ == high_watermarks_; }

asio::awaitable<bool> SimConsumer::fetch(KafkaConnection& connection) {
  const auto version = static_cast<std::int16_t>(dice_.between(4, 18));
  std::vector<FetchRequest::FetchPartition> partitions(offsets_.size());
  for (std::size_t i = 0; i < offsets_.size(); ++i) {
    partitions[i].partition = static_cast<std::int32_t>(i);
    partitions[i].fetch_offset = offsets_[i];
    partitions[i].partition_max_bytes = plan_.partition_max_bytes;
  }
  std::vector<FetchRequest::FetchTopic> topics(1);
  if (version >= kFirstVersionWithIds) {
    topics[0].topic_id = clients_.topic_id;
  } else {
    topics[0].topic = clients_.topic;
  }
  topics[0].partitions = partitions;
  FetchRequest request;
  request.max_wait_ms = static_cast<std::int32_t>(plan_.max_wait.count());
  request.min_bytes = plan_.min_bytes;
  request.max_bytes = plan_.max_bytes;
  request.topics = topics;
  const SteadyTime asked = loop_.now();
  FetchResponse response;
  if (!co_await connection.call(request, version, response)) co_return false;
  bool has_news = false, is_good = response.error_code == 0;
  for (const FetchResponse::FetchableTopicResponse& topic : response.responses) {
    for (const FetchResponse::PartitionData& data : topic.partitions) {
      has_news |= !data.records.bytes.empty();
      is_good &= take(data);
    }
  }
  const SteadyTime waited = loop_.now() - asked;
  if (has_news && waited > kLongerThanAnyTransit && waited < plan_.max_wait) clients_.world.mark("a long poll was woken");
  co_return is_good;
}

bool SimConsumer::take(const FetchResponse::PartitionData& data) {
  const auto error = static_cast<ErrorCode>(data.error_code);
  const auto partition = static_cast<std::size_t>(data.partition_index);
  if (partition >= offsets_.size()) {
    accuse("got a partition it did not ask for");
    return false;
  }
  if (error == ErrorCode::offset_out_of_range) {
    accuse("was told that offset " + std::to_string(offsets_[partition]) + " of partition " + std::to_string(partition) +
           ", which it had been shown to exist, is out of range");
  }
  if (error != ErrorCode::none) {
    clients_.world.say([&] { return state() + " got " + std::string(name(error)); });
    return false;
  }
  if (data.high_watermark < high_watermarks_[partition]) {
    accuse("the high watermark of partition " + std::to_string(partition) + " fell from " + std::to_string(high_watermarks_[partition]) +
           " to " + std::to_string(data.high_watermark));
  }
  high_watermarks_[partition] = data.high_watermark;
  return take_records(data.partition_index, data.records.bytes, data.high_watermark);
}

bool SimConsumer::take_records(int partition, Bytes records, std::int64_t high_watermark) {
  proto::RecordReader reader;
  std::int64_t& next = offsets_[static_cast<std::size_t>(partition)];
  while (!records.empty()) {
    const Result<proto::BatchView> batch = proto::BatchView::parse(records);
    if (!batch) return true;  // The last one may be cut.
    if (!batch->crc_ok()) {
      accuse("got a batch with a wrong checksum at offset " + std::to_string(batch->base_offset().value));
      return false;
    }
    if (batch->last_offset().value >= high_watermark)
      accuse("was shown offset " + std::to_string(batch->last_offset().value) + " above the high watermark");
    const Result<void> read = proto::for_each_record(*batch, reader, [&](const proto::RecordView& record) {
      if (record.offset.value < next) return;
      const std::string value(reinterpret_cast<const char*>(record.value.data()), record.value.size());
      clients_.history.note_fetched({.partition = partition, .offset = record.offset.value}, value);
      seen_[static_cast<std::size_t>(partition)][record.offset.value] = value;
    });
    if (!read) accuse("got a batch whose records cannot be read");
    next = std::max(next, batch->next_offset().value);
    records = records.subspan(batch->size_bytes());
  }
  return true;
}

}  // namespace tidelog::sim
