#include "bench/groups/committer.h"

#include "bench/groups/frames.h"
#include "proto/messages/offset_commit_request.h"
#include "proto/messages/offset_commit_response.h"

#include <algorithm>

namespace tidelog::bench {
namespace {

using proto::OffsetCommitRequest;
using proto::OffsetCommitResponse;

constexpr std::int16_t kVersion = 8;

}  // namespace

std::vector<std::byte> Committer::next() {
  asked_at_ = Clock::now();
  if (asked_at_ - due_ > interval_) ++commits_.late;
  was_due_ = due_;
  due_ = Clock::time_point::max();
  const std::vector<OffsetCommitRequest::OffsetCommitRequestPartition> partitions{
      {.partition_index = static_cast<std::int32_t>(offset_ % plan_.partitions), .committed_offset = offset_, .committed_metadata = ""}};
  ++offset_;
  const std::vector<OffsetCommitRequest::OffsetCommitRequestTopic> topics{{.name = plan_.topic, .partitions = partitions}};
  return framed(OffsetCommitRequest{.group_id = group_, .topics = topics}, kVersion);
}

void Committer::hear(Bytes payload, Clock::time_point now) {
  const auto answer = read_answer<OffsetCommitResponse>(payload, kVersion);
  std::int16_t error = 0;
  for (const auto& topic : answer.topics) {
    for (const auto& partition : topic.partitions) error = partition.error_code;
  }
  if (is_for_later(error)) {
    due_ = now + kPause;
    return;
  }
  if (error != 0) die("OffsetCommit was answered by error " + std::to_string(error));
  ++commits_.answered;
  commits_.latency.record(static_cast<std::uint64_t>((now - asked_at_).count()));
  due_ = std::max(was_due_ + interval_, now - interval_);
}

}  // namespace tidelog::bench
