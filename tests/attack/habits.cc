#include "tests/attack/habits.h"

#include "proto/messages/list_offsets_request.h"
#include "proto/messages/list_offsets_response.h"
#include "proto/messages/offset_commit_request.h"
#include "proto/messages/offset_commit_response.h"
#include "proto/messages/offset_fetch_request.h"
#include "proto/messages/offset_fetch_response.h"
#include "proto/record/builder.h"
#include "tests/attack/records.h"

namespace tidelog::attack {
namespace {

using proto::ListOffsetsRequest;
using proto::ListOffsetsResponse;
using proto::OffsetCommitRequest;
using proto::OffsetCommitResponse;
using proto::OffsetFetchRequest;
using proto::OffsetFetchResponse;

constexpr std::size_t kLargestValueBytes = 1'000'000;
constexpr std::int64_t kFirstTime = 1'700'000'000'000;
constexpr std::int64_t kTimeStep = 10;

std::string random_text(Dice& dice, std::size_t bytes) {
  std::string text(bytes, '\0');
  for (char& one : text) one = static_cast<char>(dice.below(256));
  return text;
}

std::string batch_at(std::int64_t time) {
  proto::BatchBuilder builder;
  builder.append({.timestamp = {time}, .key = as_bytes("key"), .value = as_bytes("value")});
  return as_string(builder.build({}));
}

}  // namespace

bool LargeRecords::once(Caller& caller, Dice& dice) {
  const std::string value = random_text(dice, 1 + dice.below(kLargestValueBytes));
  const std::string batch = batch_of("key", value);
  if (!write_records(caller, {.topic = topic_, .batch = batch, .offset = next_offset_, .what = "large produce"})) return false;
  std::vector<std::string> values;
  if (!read_records(caller, {.topic = topic_, .offset = next_offset_++, .what = "large fetch"}, values)) return false;
  return (values.size() == 1 && values.front() == value) || caller.fail("large fetch: another value than was stored");
}

bool TimeLookups::once(Caller& caller, Dice& dice) {
  const std::string batch = batch_at(kFirstTime + next_offset_ * kTimeStep);
  if (!write_records(caller, {.topic = topic_, .batch = batch, .offset = next_offset_, .what = "produce to look for"})) return false;
  ++next_offset_;
  return look_for(caller, static_cast<std::int64_t>(dice.below(static_cast<std::size_t>(next_offset_))));
}

bool TimeLookups::look_for(Caller& caller, std::int64_t offset) {
  // A little before its own time, and still after the one before it.
  const std::int64_t time = kFirstTime + offset * kTimeStep;
  const std::vector<ListOffsetsRequest::ListOffsetsPartition> partitions{{.partition_index = 0, .timestamp = time - kTimeStep / 2}};
  const std::vector<ListOffsetsRequest::ListOffsetsTopic> topics{{.name = topic_, .partitions = partitions}};
  ListOffsetsResponse response;
  if (!caller.ask(ListOffsetsRequest{.replica_id = -1, .topics = topics}, response, "lookup by time")) return false;
  bool is_found = false;
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != 0) return caller.fail("lookup by time: error " + std::to_string(partition.error_code));
      is_found = partition.offset == offset && partition.timestamp == time;
      if (!is_found) return caller.fail("lookup by time: " + std::to_string(partition.offset) + " instead of " + std::to_string(offset));
    }
  }
  return is_found || caller.fail("lookup by time: no answer for the partition");
}

bool Commits::once(Caller& caller) {
  ++committed_;
  return commit(caller) && expect_committed(caller);
}

bool Commits::commit(Caller& caller) {
  const std::string note = "note " + std::to_string(committed_);
  const std::vector<OffsetCommitRequest::OffsetCommitRequestPartition> partitions{
      {.partition_index = 0, .committed_offset = committed_, .committed_metadata = note}};
  const std::vector<OffsetCommitRequest::OffsetCommitRequestTopic> topics{{.name = topic_, .partitions = partitions}};
  OffsetCommitResponse response;
  if (!caller.ask(OffsetCommitRequest{.group_id = group_, .topics = topics}, response, "commit")) return false;
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != 0) return caller.fail("commit: error " + std::to_string(partition.error_code));
    }
  }
  return true;
}

bool Commits::expect_committed(Caller& caller) {
  const std::vector<std::int32_t> partitions{0};
  const std::vector<OffsetFetchRequest::OffsetFetchRequestTopics> topics{{.name = topic_, .partition_indexes = partitions}};
  const std::vector<OffsetFetchRequest::OffsetFetchRequestGroup> groups{{.group_id = group_, .topics = topics}};
  OffsetFetchResponse response;
  if (!caller.ask(OffsetFetchRequest{.groups = groups}, response, "committed offset")) return false;
  if (response.groups.empty()) return caller.fail("committed offset: no answer for the group");
  const auto group = *response.groups.begin();
  if (group.error_code != 0) return caller.fail("committed offset: error " + std::to_string(group.error_code));
  for (const auto& topic : group.topics) {
    for (const auto& partition : topic.partitions) {
      const bool is_right = partition.committed_offset == committed_ && partition.metadata == "note " + std::to_string(committed_);
      const std::string others = std::to_string(partition.committed_offset) + " instead of " + std::to_string(committed_);
      return is_right || caller.fail("committed offset: " + others);
    }
  }
  return caller.fail("committed offset: no answer for the partition");
}

}  // namespace tidelog::attack
