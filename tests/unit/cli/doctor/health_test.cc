#include "cli/doctor/health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ClusterView three_brokers() {
  ClusterView view{.id = "c", .controller = 2};
  for (std::int32_t id = 1; id <= 3; ++id) view.brokers.push_back({.id = id, .host = "b" + std::to_string(id), .port = 9092});
  TopicView logs{.name = "logs"};
  for (std::int32_t index = 0; index < 8; ++index) logs.partitions.push_back({.index = index, .leader = 1, .replicas = 3, .in_sync = 3});
  view.topics.push_back(logs);
  view.min_in_sync["logs"] = 2;
  return view;
}

std::vector<std::string> codes(const std::vector<Finding>& findings) {
  std::vector<std::string> all;
  for (const Finding& one : findings) all.push_back(one.code);
  return all;
}

TEST(DoctorHealth, IsContentWithAHealthyCluster) {
  const std::vector<Finding> found = judge_health(three_brokers());
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].verdict, Verdict::ok);
  EXPECT_THAT(found[0].message, HasSubstr("(topics: 1, partitions: 8)"));
}

TEST(DoctorHealth, MissesTheController) {
  ClusterView view = three_brokers();
  view.controller = -1;
  EXPECT_THAT(codes(judge_health(view)), ElementsAre("NO_CONTROLLER"));
  view.controller = 9;
  EXPECT_THAT(codes(judge_health(view)), ElementsAre("NO_CONTROLLER"));
  view.brokers.clear();
  EXPECT_THAT(codes(judge_health(view)), ElementsAre("NO_BROKERS"));
}

TEST(DoctorHealth, NamesPartitionsWithoutALeaderOnce) {
  ClusterView view = three_brokers();
  view.topics[0].partitions[3] = {.index = 3, .leader = -1, .error_code = 5, .replicas = 3, .in_sync = 1};
  const std::vector<Finding> found = judge_health(view);
  ASSERT_THAT(codes(found), ElementsAre("LEADER_NOT_AVAILABLE"));
  EXPECT_EQ(found[0].verdict, Verdict::problem);
  EXPECT_THAT(found[0].message, HasSubstr("1 partition has no leader"));
  EXPECT_THAT(found[0].message, HasSubstr("logs-3"));
}

TEST(DoctorHealth, TellsWhatRefusesWritesFromWhatOnlyLags) {
  ClusterView view = three_brokers();
  view.topics[0].partitions[1].in_sync = 1;
  view.topics[0].partitions[2].in_sync = 2;
  const std::vector<Finding> found = judge_health(view);
  ASSERT_THAT(codes(found), ElementsAre("NOT_ENOUGH_REPLICAS", "REPLICAS_OUT_OF_SYNC"));
  EXPECT_THAT(found[0].message, HasSubstr(": logs-1"));
  EXPECT_THAT(found[1].message, HasSubstr(": logs-2"));
}

TEST(DoctorHealth, CannotJudgeTheMinimumItDoesNotKnow) {
  ClusterView view = three_brokers();
  view.min_in_sync.clear();
  view.topics[0].partitions[1].in_sync = 1;
  EXPECT_THAT(codes(judge_health(view)), ElementsAre("REPLICAS_OUT_OF_SYNC"));
}

TEST(DoctorHealth, NamesOfflineReplicasAndFewOfMany) {
  ClusterView view = three_brokers();
  for (PartitionView& partition : view.topics[0].partitions) partition.offline = 1;
  const std::vector<Finding> found = judge_health(view);
  ASSERT_THAT(codes(found), ElementsAre("OFFLINE_REPLICAS"));
  EXPECT_THAT(found[0].message, HasSubstr("8 partitions have replicas offline: logs-0, logs-1, logs-2, logs-3, logs-4 and 3 more"));
}

TEST(DoctorHealth, PassesOnTheErrorsOfTopicsAndPartitions) {
  ClusterView view = three_brokers();
  view.topics.push_back({.name = "secret", .error_code = 29});
  view.topics[0].partitions[0].error_code = 56;
  EXPECT_THAT(codes(judge_health(view)), ElementsAre("TOPIC_AUTHORIZATION_FAILED", "KAFKA_STORAGE_ERROR"));
}

TEST(DoctorAddresses, SeesTwoBrokersAtOneAddress) {
  ClusterView view = three_brokers();
  EXPECT_TRUE(judge_addresses(view).empty());
  view.brokers[2].host = "b1";
  const std::vector<Finding> found = judge_addresses(view);
  ASSERT_THAT(codes(found), ElementsAre("ADVERTISED_TWICE"));
  EXPECT_EQ(found[0].hop, "broker 3");
  EXPECT_THAT(found[0].message, HasSubstr("broker 1"));
}

}  // namespace
}  // namespace tidelog::cli
