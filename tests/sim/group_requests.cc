#include "tests/sim/group_requests.h"

#include "proto/messages/find_coordinator_request.h"
#include "proto/messages/find_coordinator_response.h"
#include "proto/messages/offset_commit_request.h"
#include "proto/messages/offset_commit_response.h"
#include "proto/messages/offset_fetch_request.h"
#include "proto/messages/offset_fetch_response.h"

#include <algorithm>

namespace tidelog::sim {
namespace {

using proto::OffsetCommitRequest;
using proto::OffsetCommitResponse;
using proto::OffsetFetchRequest;
using proto::OffsetFetchResponse;

constexpr std::int16_t kFirstWithTopicIds = 10;
constexpr std::int16_t kFindVersion = 3;
constexpr std::int16_t kFetchVersion = 8;

/// What a code says about the offset that was sent.
Outcome outcome_of(ErrorCode code) {
  using enum ErrorCode;
  if (code == none) return Outcome::acked;
  const bool is_no = code == illegal_generation || code == unknown_member_id || code == stale_member_epoch || code == fenced_instance_id ||
                     code == rebalance_in_progress || code == group_id_not_found;
  return is_no ? Outcome::refused : Outcome::unknown;
}

/// Numbers in the metadata, so that what is read belongs together.
std::string note_for(std::int64_t offset) { return "number " + std::to_string(offset); }

void take_code(std::int32_t partition, ErrorCode code, std::pair<const std::vector<SentCommit>&, GroupAudit&> to) {
  const auto commit = std::ranges::find(to.first, partition, [](const SentCommit& each) { return each.at.partition; });
  if (commit != to.first.end()) to.second.end_commit(*commit, outcome_of(code));
}

/// The last error.
ErrorCode take_codes(const OffsetCommitResponse& response, const std::vector<SentCommit>& sent, GroupAudit& audit) {
  ErrorCode worst = ErrorCode::none;
  for (const auto& topic : response.topics) {
    for (const auto& partition : topic.partitions) {
      const auto code = static_cast<ErrorCode>(partition.error_code);
      worst = code == ErrorCode::none ? worst : code;
      take_code(partition.partition_index, code, {sent, audit});
    }
  }
  return worst;
}

using ReadPartition = OffsetFetchResponse::OffsetFetchResponsePartitions;

void take_offset(GroupAudit& audit, const GroupPlace& at, const ReadPartition& read, std::int64_t floor) {
  audit.note_read(at, read.committed_offset, floor);
  const bool is_another = read.committed_offset >= 0 && read.metadata != note_for(read.committed_offset);
  if (is_another) audit.accuse(at, "an offset was read with the note of another one");
}

void take_offsets(GroupAudit& audit, const OffsetFetchResponse::OffsetFetchResponseGroup& told, const std::vector<std::int64_t>& floors) {
  for (const auto& topic : told.topics) {
    for (const ReadPartition& partition : topic.partitions) {
      const GroupPlace at{.group = std::string(told.group_id), .partition = partition.partition_index};
      take_offset(audit, at, partition, floors[static_cast<std::size_t>(partition.partition_index)]);
    }
  }
}

}  // namespace

asio::awaitable<bool> find_coordinator(OffsetCaller caller, std::string group) {
  proto::FindCoordinatorRequest request;
  request.key = group;
  proto::FindCoordinatorResponse response;
  if (!co_await caller.connection.call(request, kFindVersion, response)) co_return false;
  const auto error = static_cast<ErrorCode>(response.error_code);
  if (error != ErrorCode::none) caller.clients.world.say([&] { return "find coordinator: " + std::string(name(error)); });
  co_return error == ErrorCode::none;
}

asio::awaitable<std::optional<ErrorCode>> commit_offsets(OffsetCaller caller, CommitAs as) {
  std::vector<SentCommit> sent;
  for (const int partition : as.partitions) {
    const GroupPlace at{.group = as.group, .partition = partition};
    sent.push_back(caller.audit.send_commit(at, as.reader));
  }
  std::vector<std::string> notes;
  for (const SentCommit& commit : sent) notes.push_back(note_for(commit.offset));
  std::vector<OffsetCommitRequest::OffsetCommitRequestPartition> asked;
  for (std::size_t i = 0; i < sent.size(); ++i) {
    asked.push_back({.partition_index = sent[i].at.partition, .committed_offset = sent[i].offset, .committed_metadata = notes[i]});
  }
  std::vector<OffsetCommitRequest::OffsetCommitRequestTopic> topics(1);
  if (as.version >= kFirstWithTopicIds) {
    topics[0].topic_id = caller.clients.topic_id;
  } else {
    topics[0].name = caller.clients.topic;
  }
  topics[0].partitions = asked;
  OffsetCommitRequest request;
  request.group_id = as.group;
  request.generation_id_or_member_epoch = as.reader.epoch;
  request.member_id = as.member_id;
  request.group_instance_id = as.instance_id.empty() ? std::string_view() : std::string_view(as.instance_id);
  request.topics = topics;
  OffsetCommitResponse response;
  if (!co_await caller.connection.call(request, as.version, response)) co_return std::nullopt;
  co_return take_codes(response, sent, caller.audit);
}

asio::awaitable<bool> read_offsets(OffsetCaller caller, std::string group) {
  std::vector<std::int32_t> indexes;
  std::vector<std::int64_t> floors;
  for (int i = 0; i < caller.clients.partitions; ++i) {
    indexes.push_back(i);
    const GroupPlace at{.group = group, .partition = i};
    floors.push_back(caller.audit.floor(at));
  }
  std::vector<OffsetFetchRequest::OffsetFetchRequestTopics> topics(1);
  topics[0].name = caller.clients.topic;
  topics[0].partition_indexes = indexes;
  std::vector<OffsetFetchRequest::OffsetFetchRequestGroup> groups(1);
  groups[0].group_id = group;
  groups[0].member_id = std::string_view();  // Null: nobody's member.
  groups[0].topics = topics;
  OffsetFetchRequest request;
  request.groups = groups;
  OffsetFetchResponse response;
  if (!co_await caller.connection.call(request, kFetchVersion, response)) co_return false;
  bool is_told = !response.groups.empty();
  for (const auto& told : response.groups) {
    is_told &= told.error_code == 0;
    if (is_told) take_offsets(caller.audit, told, floors);
  }
  co_return is_told;
}

}  // namespace tidelog::sim
