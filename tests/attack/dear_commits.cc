#include "proto/error_code.h"
#include "proto/messages/consumer_group_describe_request.h"
#include "proto/messages/consumer_group_heartbeat_request.h"
#include "proto/messages/delete_groups_request.h"
#include "proto/messages/describe_groups_request.h"
#include "proto/messages/list_groups_request.h"
#include "proto/messages/offset_commit_request.h"
#include "proto/messages/offset_delete_request.h"
#include "proto/messages/offset_fetch_request.h"
#include "tests/attack/converse.h"
#include "tests/attack/dear.h"
#include "tests/attack/messages.h"

#include <memory>

namespace tidelog::attack {
namespace {

using proto::ConsumerGroupDescribeRequest;
using proto::ConsumerGroupHeartbeatRequest;
using proto::DeleteGroupsRequest;
using proto::DescribeGroupsRequest;
using proto::ListGroupsRequest;
using proto::OffsetCommitRequest;
using proto::OffsetDeleteRequest;
using proto::OffsetFetchRequest;

constexpr std::int16_t kCommitVersion = 8;
constexpr std::int16_t kFetchVersion = 8;  ///< The first that asks for many groups.
constexpr std::int16_t kHeartbeatVersion = 1;
constexpr std::int16_t kDescribeVersion = 5;
constexpr std::int16_t kListVersion = 4;
constexpr std::int16_t kDeleteVersion = 2;

/// Groups of the storm; everybody commits to the same ones.
constexpr std::size_t kStormGroups = 10;
constexpr std::size_t kNamesARequest = 1000;

std::string storm_group(std::size_t number) { return "attack-storm-" + std::to_string(number % kStormGroups); }
std::string new_group(std::uint64_t number) { return "attack-new-" + std::to_string(number); }

/// A commit of no member's, to so many partitions.
std::string commit(const std::string& group, const std::string& topic, std::int32_t count, std::string_view metadata) {
  std::vector<OffsetCommitRequest::OffsetCommitRequestPartition> partitions;
  for (std::int32_t i = 0; i < count; ++i)
    partitions.push_back({.partition_index = i, .committed_offset = 1, .committed_metadata = metadata});
  const std::vector<OffsetCommitRequest::OffsetCommitRequestTopic> topics{{.name = topic, .partitions = partitions}};
  return framed(OffsetCommitRequest{.group_id = group, .topics = topics}, kCommitVersion);
}

std::string fetch_all(const std::vector<std::string>& groups) {
  std::vector<OffsetFetchRequest::OffsetFetchRequestGroup> asked;
  for (const std::string& group : groups) {
    asked.push_back({.group_id = group, .topics = proto::Array<OffsetFetchRequest::OffsetFetchRequestTopics>::null()});
  }
  return framed(OffsetFetchRequest{.groups = asked}, kFetchVersion);
}

class CommitSieges {
 public:
  CommitSieges(const Battlefield& field, Tally& tally) : camp_(field, tally), asking_for_(field.deadlines.slack / 3) {}

  void new_groups();
  void commit_storm();
  void offsets_of_all();
  void groups_described();

 private:
  /// What is told of groups is dear only once there are many.
  void require_groups();
  [[nodiscard]] std::string join(std::uint64_t number) const;
  /// Names of the newest groups.
  [[nodiscard]] std::vector<std::string> newest() const;

  Camp camp_;
  Milliseconds asking_for_;
  std::uint64_t next_group_ = 0;
  bool has_stormed_ = false;
};

std::string CommitSieges::join(std::uint64_t number) const {
  const std::string group = new_group(number);
  const std::vector<std::string_view> names{camp_.known().times_topic};
  using Owned = ConsumerGroupHeartbeatRequest::TopicPartitions;
  const ConsumerGroupHeartbeatRequest request{.group_id = group,
                                              .member_id = "attack-member",
                                              .rebalance_timeout_ms = 3000,
                                              .subscribed_topic_names = names,
                                              .topic_partitions = std::span<const Owned>()};
  return framed(request, kHeartbeatVersion);
}

/// Each names a group that was not there before, by turns one that has a member and one that has an offset.
void CommitSieges::new_groups() {
  constexpr std::size_t kConnections = 300;
  std::vector<Socket> sockets = camp_.crowd({.family = "new groups", .count = kConnections, .network = 26});
  const auto next = [this](std::size_t) {
    const std::uint64_t number = next_group_++;
    return number % 2 == 0 ? join(number) : commit(new_group(number), camp_.known().times_topic, 1, "new");
  };
  const Exchange making{
      .family = "new groups", .next = next, .lawful = kGroupsAreFull, .pipelined = 16, .patience = camp_.deadlines().answer()};
  converse(sockets, making, camp_.tally(), Clock::now() + asking_for_);
}

/// As many and as long as fit into what one record batch may have.
void CommitSieges::commit_storm() {
  has_stormed_ = true;
  const std::string& topic = camp_.known().many_topic;
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < kStormGroups; ++i) {
    requests.push_back(commit(storm_group(i), topic, kManyPartitions, std::string(400, 'm')));
    requests.push_back(commit(storm_group(i), topic, 250, std::string(3800, 'm')));
  }
  repeat(camp_, {.family = "commit storm", .count = 10, .network = 27},
         {.requests = requests, .lawful = kGroupsAreFull, .pipelined = 4, .lasts = asking_for_});
}

std::vector<std::string> CommitSieges::newest() const {
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < kNamesARequest && i < next_group_; ++i) names.push_back(new_group(next_group_ - 1 - i));
  return names;
}

void CommitSieges::require_groups() {
  if (next_group_ == 0) new_groups();
  if (!has_stormed_) commit_storm();
}

void CommitSieges::offsets_of_all() {
  require_groups();
  std::vector<std::string> stormed;
  for (std::size_t i = 0; i < kStormGroups; ++i) stormed.push_back(storm_group(i));
  const std::vector<std::string> requests{fetch_all(stormed), fetch_all(newest())};
  repeat(camp_, {.family = "offsets of all", .count = 20, .network = 28}, {.requests = requests, .pipelined = 2, .lasts = asking_for_});
}

/// The groups of this and of all that came before. At last those without a member are taken back.
void CommitSieges::groups_described() {
  require_groups();
  const std::vector<std::string> newest_names = newest();
  const std::vector<std::string_view> names(newest_names.begin(), newest_names.end());
  std::vector<OffsetDeleteRequest::OffsetDeleteRequestPartition> partitions;
  for (std::int32_t i = 0; i < kManyPartitions; ++i) partitions.push_back({.partition_index = i});
  const std::vector<OffsetDeleteRequest::OffsetDeleteRequestTopic> topics{{.name = camp_.known().many_topic, .partitions = partitions}};
  const Routine describing{
      .requests = {framed(ListGroupsRequest{}, kListVersion), framed(DescribeGroupsRequest{.groups = names}, kDescribeVersion),
                   framed(ConsumerGroupDescribeRequest{.group_ids = names}, 0),
                   framed(OffsetDeleteRequest{.group_id = storm_group(0), .topics = topics}, 0)},
      .lawful = {static_cast<std::int16_t>(ErrorCode::group_id_not_found)},
      .pipelined = 2,
      .lasts = asking_for_};
  repeat(camp_, {.family = "groups described", .count = 10, .network = 29}, describing);
  std::vector<Socket> one = camp_.crowd({.family = "groups deleted", .count = 1, .network = 30});
  std::uint64_t deleted = 0;
  const auto next = [&](std::size_t) {
    std::vector<std::string> gone;
    for (; gone.size() < kNamesARequest && deleted < next_group_; ++deleted) gone.push_back(new_group(deleted));
    const std::vector<std::string_view> views(gone.begin(), gone.end());
    return gone.empty() ? std::string() : framed(DeleteGroupsRequest{.groups_names = views}, kDeleteVersion);
  };
  const Exchange deleting{
      .family = "groups deleted",
      .next = next,
      .lawful = {static_cast<std::int16_t>(ErrorCode::group_id_not_found), static_cast<std::int16_t>(ErrorCode::non_empty_group)},
      .pipelined = 2,
      .patience = camp_.deadlines().answer()};
  converse(one, deleting, camp_.tally(), Clock::now() + asking_for_);
}

}  // namespace

std::vector<Siege> commit_sieges(const Battlefield& field, Tally& tally) {
  const auto sieges = std::make_shared<CommitSieges>(field, tally);
  const Milliseconds slack = field.deadlines.slack;
  return {{.name = "new groups", .lasts = slack / 2, .run = [sieges] { sieges->new_groups(); }},
          {.name = "commit storm", .lasts = slack / 2, .run = [sieges] { sieges->commit_storm(); }},
          {.name = "offsets of all", .lasts = slack / 2, .run = [sieges] { sieges->offsets_of_all(); }},
          {.name = "groups described", .lasts = slack, .run = [sieges] { sieges->groups_described(); }}};
}

}  // namespace tidelog::attack
