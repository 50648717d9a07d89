#include "tests/attack/records.h"

#include "proto/messages/fetch_request.h"
#include "proto/messages/fetch_response.h"
#include "proto/messages/produce_request.h"
#include "proto/messages/produce_response.h"
#include "proto/record/reader.h"

namespace tidelog::attack {
namespace {

using proto::FetchRequest;
using proto::FetchResponse;
using proto::ProduceRequest;
using proto::ProduceResponse;

constexpr std::int32_t kFetchedBytes = 1 << 20;

bool read_batches(Caller& caller, Bytes batches, const Wanted& wanted, std::vector<std::string>& values) {
  proto::RecordReader reader;
  while (!batches.empty()) {
    const auto batch = proto::BatchView::parse(batches);
    if (!batch) return true;  // The last may be cut off.
    if (!batch->crc_ok()) return caller.fail(std::string(wanted.what) + ": a batch is damaged");
    const Result<void> read = proto::for_each_record(*batch, reader, [&](const proto::RecordView& record) {
      if (record.offset.value >= wanted.offset) values.push_back(as_string(record.value));
    });
    if (!read) return caller.fail(std::string(wanted.what) + ": a batch cannot be read");
    batches = batches.subspan(batch->size_bytes());
  }
  return true;
}

}  // namespace

bool write_records(Caller& caller, const Written& written) {
  std::vector<ProduceRequest::PartitionProduceData> partitions;
  for (std::int32_t i = 0; i < written.partitions; ++i) partitions.push_back({.index = i, .records = {.bytes = as_bytes(written.batch)}});
  const std::vector<ProduceRequest::TopicProduceData> topics{{.name = written.topic, .partition_data = partitions}};
  const std::string what(written.what);
  ProduceResponse response;
  if (!caller.ask(ProduceRequest{.acks = -1, .timeout_ms = 5000, .topic_data = topics}, response, what)) return false;
  std::int32_t stored = 0;
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partition_responses) {
      if (partition.error_code != 0) return caller.fail(what + ": error " + std::to_string(partition.error_code));
      if (partition.base_offset != written.offset) return caller.fail(what + ": offset " + std::to_string(partition.base_offset));
      ++stored;
    }
  }
  return stored == written.partitions || caller.fail(what + ": " + std::to_string(stored) + " partitions stored it");
}

bool read_records(Caller& caller, const Wanted& wanted, std::vector<std::string>& values) {
  std::vector<FetchRequest::FetchPartition> partitions;
  for (std::int32_t i = 0; i < wanted.partitions; ++i) {
    partitions.push_back({.partition = i, .fetch_offset = wanted.offset, .partition_max_bytes = kFetchedBytes});
  }
  const std::vector<FetchRequest::FetchTopic> topics{{.topic = wanted.topic, .partitions = partitions}};
  const FetchRequest request{.max_wait_ms = 500, .min_bytes = 1, .max_bytes = kFetchedBytes, .topics = topics};
  const std::string what(wanted.what);
  FetchResponse response;
  if (!caller.ask(request, response, what)) return false;
  for (const auto& topic : response.responses) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != 0) return caller.fail(what + ": error " + std::to_string(partition.error_code));
      if (!read_batches(caller, partition.records.bytes, wanted, values)) return false;
    }
  }
  return true;
}

}  // namespace tidelog::attack
