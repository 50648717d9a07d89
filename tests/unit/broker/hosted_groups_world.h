#pragma once

#include "broker/coordinators/hosted_groups.h"
#include "broker/coordinators/image_topics.h"
#include "broker/partition/log_config.h"
#include "broker/partition/services.h"
#include "tests/support/faulty_files.h"
#include "tests/support/manual_durability.h"
#include "tests/support/manual_env.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tidelog::broker {

inline constexpr Uuid kOffsets{{std::byte{9}}};
inline constexpr Uuid kJobs{{std::byte{7}}};
inline constexpr TopicPartition kHome{.topic_id = kOffsets, .partition = PartitionIndex{0}};
inline const std::string kGroup = "workers";

inline std::shared_ptr<const Image> image_with_jobs() {
  const auto partition = [](std::int32_t index) {
    return PartitionRecord{.index = PartitionIndex{index}, .replicas = {NodeId{1}}, .isr = {NodeId{1}}, .leader = NodeId{1}};
  };
  Image image;
  const CreateTopicRecord jobs{.topic_id = kJobs, .name = "jobs", .configs = {}, .partitions = {partition(0), partition(1)}};
  EXPECT_TRUE(image.apply(jobs));
  return std::make_shared<const Image>(std::move(image));
}

inline CommitCall commit_of(std::int64_t offset, const std::string& group = kGroup) {
  return {.group = group,
          .member_id = {},
          .instance_id = {},
          .topics = {{.name = "jobs", .id = kJobs, .partitions = {{.index = 0, .offset = offset, .leader_epoch = -1, .metadata = {}}}}}};
}

inline ConsumerHeartbeatCall first_beat(const std::string& id) {
  ConsumerHeartbeatCall call;
  call.group = kGroup;
  call.member_id = id;
  call.client_id = "c";
  call.client_host = "h";
  call.rebalance_timeout_ms = 10'000;
  call.subscribed_names = {"jobs"};
  call.owned.emplace();
  return call;
}

inline JoinCall join_of(const std::string& id) {
  JoinCall call;
  call.group = kGroup;
  call.fresh_member_id = id;
  call.session_timeout = call.rebalance_timeout = std::chrono::seconds(10);
  call.protocol_type = "consumer";
  call.protocols = {{.name = "range", .metadata = {}}};
  return call;
}

/// One coordinator over a real partition, whose syncs finish when the test says so.
class HostedGroupsTest : public ::testing::Test {
 protected:
  HostedGroupsTest() {
    options_->group_initial_rebalance_delay_ms = 0;
    options_->group_consumer_assignment_interval_ms = 0;
    services_.options = options_;
    services_.image = image_with_jobs();
    settings_.follow_options();
    const TopicConfig config;
    auto log = storage::Log::create({.files = &files_, .directory = env_.directory() + "/offsets-0"}, {.topic_id = kOffsets, .log_id = 1},
                                    to_log_config(config, *options_));
    EXPECT_TRUE(log);
    services_.partitions.add(std::make_unique<Partition>(services_.shard, durability_,
                                                         Partition::Identity{.id = kHome, .topic = "__consumer_offsets"}, std::move(*log),
                                                         LeaderEpoch{0}, std::make_shared<const TopicConfig>(config)));
    groups_ = load();
  }
  ~HostedGroupsTest() override { groups_->give_up(); }

  /// A coordinator of what the log has now.
  std::shared_ptr<HostedGroups> load() {
    const CoordinatorHost host{.shard = services_,
                               .topics = topics_,
                               .settings = settings_,
                               .memory = memory_,
                               .gate = gate_,
                               .viewing = viewing_,
                               .is_starting = is_starting_};
    auto groups = std::make_shared<HostedGroups>(host, kHome);
    asio::co_spawn(env_.loop().executor(), groups->load(), asio::detached);
    env_.loop().run_ready();
    return groups;
  }
  [[nodiscard]] Partition& partition() { return *services_.partitions.find(kHome); }

  void finish_round() {
    ASSERT_TRUE(durability_.has_work());
    durability_.begin_round();
    durability_.end_round(partition());
    env_.loop().run_ready();
  }

  ErrorCode commit(std::int64_t offset) {
    return groups_->step([&](GroupMachine& machine, Step& step) { return machine.commit(commit_of(offset), step); }).partitions.at(0);
  }
  static std::int64_t committed_offset(const HostedGroups& groups) {
    const OffsetFetchCall call{.group = kGroup, .member_id = {}, .topics = {{{.name = "jobs", .partitions = {0}}}}};
    return groups.machine().fetch(call).topics.at(0).partitions.at(0).offset.value;
  }
  ConsumerHeartbeatAnswer beat(const ConsumerHeartbeatCall& call) {
    return groups_->step([&](GroupMachine& machine, Step& step) { return machine.heartbeat(call, step); });
  }
  static std::size_t member_count(const HostedGroups& groups) {
    const auto told = groups.machine().describe_consumer(kGroup);
    return told ? told->members.size() : 0;
  }

  /// What `committed` says, once it does.
  std::shared_ptr<std::optional<ErrorCode>> wait_until_committed() {
    auto said = std::make_shared<std::optional<ErrorCode>>();
    asio::co_spawn(env_.loop().executor(), groups_->committed(), [said](const std::exception_ptr& failed, ErrorCode code) {
      EXPECT_EQ(failed, nullptr);
      *said = code;
    });
    env_.loop().run_ready();
    return said;
  }
  /// A request to join whose answer comes by mail.
  std::shared_ptr<LateMail> join(const std::string& id, const std::string& known_as = {}) {
    auto mail = std::make_shared<LateMail>(env_.loop());
    JoinCall call = join_of(id);
    call.member_id = known_as;
    call.ticket = groups_->expect(mail);
    const std::optional<JoinAnswer> answer = groups_->step([&](GroupMachine& machine, Step& step) { return machine.join(call, step); });
    if (answer) mail->answer = *answer;
    env_.loop().run_ready();
    return mail;
  }
  /// The same of a SyncGroup.
  std::shared_ptr<LateMail> sync(const std::string& id, std::int32_t generation) {
    auto mail = std::make_shared<LateMail>(env_.loop());
    SyncCall call;
    call.ticket = groups_->expect(mail);
    call.group = kGroup;
    call.generation = generation;
    call.member_id = id;
    const std::optional<SyncAnswer> answer = groups_->step([&](GroupMachine& machine, Step& step) { return machine.sync(call, step); });
    if (answer) mail->answer = *answer;
    env_.loop().run_ready();
    return mail;
  }

  ManualEnv env_;
  testing::FaultyFiles files_{env_.files()};
  ManualDurability durability_;
  std::shared_ptr<BrokerOptions> options_ = std::make_shared<BrokerOptions>();
  ShardServices services_{env_, 0, {.request_bytes = 1 << 20, .response_bytes = 1 << 20}, {}};
  ImageTopics topics_{services_.image};
  ImageSettings settings_{services_.image, services_.options};
  GroupsMemory memory_;
  Gate gate_{env_.loop().executor()};
  Turns viewing_{env_.loop().executor()};
  bool is_starting_ = false;
  std::shared_ptr<HostedGroups> groups_;
};

}  // namespace tidelog::broker
