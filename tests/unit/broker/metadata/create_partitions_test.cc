#include "tests/unit/broker/metadata/world.h"

namespace tidelog::broker {
namespace {

class CreatePartitions : public testing::Test {
 protected:
  CreatePartitions() { create(machine_, {new_topic("a", 1, 2, 2), new_topic("b", 2, 1, 3)}); }

  TopicsDecision decide(std::vector<MorePartitions> topics) const { return machine_.create_partitions({.topics = std::move(topics)}); }
  ErrorCode error_of(MorePartitions topic) const {
    const TopicsDecision decision = decide({std::move(topic)});
    EXPECT_EQ(decision.verdicts.size(), 1U);
    EXPECT_EQ(decision.records.size(), decision.verdicts[0].error == ErrorCode::none ? 1U : 0U);
    EXPECT_EQ(decision.verdicts[0].message.empty(), decision.verdicts[0].error == ErrorCode::none);
    return decision.verdicts[0].error;
  }

  MetadataMachine machine_ = machine_with_brokers(3);
};

TEST_F(CreatePartitions, WritesOneRecordForAllThatATopicGets) {
  const TopicsDecision decision = decide({{.topic = "a", .count = 1000}});

  ASSERT_EQ(decision.records.size(), 1U);
  const auto& record = std::get<AddPartitionsRecord>(decision.records[0]);
  EXPECT_EQ(record.topic_id, test_id(1));
  ASSERT_EQ(record.partitions.size(), 998U);
  EXPECT_EQ(record.partitions.front().index, PartitionIndex{2});
  EXPECT_EQ(record.partitions.back().index, PartitionIndex{999});
  EXPECT_EQ(record.partitions.back().replicas.size(), 2U);
  EXPECT_EQ(record.partitions.back().isr, record.partitions.back().replicas);
}

TEST_F(CreatePartitions, LeavesWhatWasThereAsItWas) {
  const std::vector<PartitionImage> before = machine_.image()->find_topic("a")->partitions;

  apply_all(machine_, decide({{.topic = "a", .count = 5}}));

  const std::vector<PartitionImage>& after = machine_.image()->find_topic("a")->partitions;
  ASSERT_EQ(after.size(), 5U);
  EXPECT_EQ(std::vector(after.begin(), after.begin() + 2), before);
  EXPECT_EQ(machine_.image()->find_topic(test_id(1)), machine_.image()->find_topic("a"));
  EXPECT_EQ(machine_.image()->partition_count(), 6U);
}

TEST_F(CreatePartitions, TakesReplicasByHand) {
  const TopicsDecision decision = decide({{.topic = "a", .count = 4, .assignments = {{{{3}, {1}}, {{2}, {3}}}}}});

  const auto& record = std::get<AddPartitionsRecord>(decision.records.at(0));
  EXPECT_EQ(record.partitions[0].replicas, (std::vector<NodeId>{{3}, {1}}));
  EXPECT_EQ(record.partitions[0].leader, NodeId{3});
  EXPECT_EQ(record.partitions[1].replicas, (std::vector<NodeId>{{2}, {3}}));
}

TEST_F(CreatePartitions, RefusesCountsThatAreNoGrowth) {
  for (const std::int32_t count : {2, 1, 0, -1, INT32_MIN}) {
    EXPECT_EQ(error_of({.topic = "a", .count = count}), ErrorCode::invalid_partitions) << count;
  }
  EXPECT_EQ(error_of({.topic = "a", .count = 3}), ErrorCode::none);
}

TEST_F(CreatePartitions, AllocatesNothingByACountThatIsTooLarge) {
  EXPECT_EQ(error_of({.topic = "a", .count = INT32_MAX}), ErrorCode::policy_violation);
  EXPECT_EQ(error_of({.topic = "a", .count = 10'003}), ErrorCode::policy_violation);
  EXPECT_EQ(error_of({.topic = "a", .count = 10'002}), ErrorCode::none);
}

TEST_F(CreatePartitions, CountsTheLimitOverAllTopicsOfARequest) {
  const TopicsDecision decision = decide({{.topic = "a", .count = 9'000}, {.topic = "b", .count = 2'000}});

  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::none);
  EXPECT_EQ(decision.verdicts[1].error, ErrorCode::policy_violation);
}

TEST_F(CreatePartitions, RefusesReplicasThatDoNotFit) {
  using Replicas = std::vector<std::vector<NodeId>>;
  for (const Replicas& replicas : {Replicas{}, Replicas{{{1}, {2}}, {{1}, {2}}}, Replicas{{{1}}}, Replicas{{{1}, {2}, {3}}}, Replicas{{}},
                                   Replicas{{{1}, {1}}}, Replicas{{{1}, {9}}}}) {
    EXPECT_EQ(error_of({.topic = "a", .count = 3, .assignments = replicas}), ErrorCode::invalid_replica_assignment) << replicas.size();
  }
}

TEST_F(CreatePartitions, KnowsOnlyTopicsThatAreThere) {
  EXPECT_EQ(error_of({.topic = "c", .count = 3}), ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(error_of({.topic = "", .count = 3}), ErrorCode::unknown_topic_or_partition);
}

TEST_F(CreatePartitions, LeavesATopicThatIsNamedTwiceAndAnswersItOnce) {
  const TopicsDecision decision = decide({{.topic = "a", .count = 3}, {.topic = "b", .count = 2}, {.topic = "a", .count = 4}});

  ASSERT_EQ(decision.verdicts.size(), 2U);
  EXPECT_EQ(decision.verdicts[0].name, "a");
  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::invalid_request);
  EXPECT_EQ(decision.verdicts[1].error, ErrorCode::none);
  ASSERT_EQ(decision.records.size(), 1U);
  EXPECT_EQ(std::get<AddPartitionsRecord>(decision.records[0]).topic_id, test_id(2));
}

TEST_F(CreatePartitions, OnlyAnswersWhenAskedToValidate) {
  const TopicsDecision decision = machine_.create_partitions({.topics = {{.topic = "a", .count = 3}}, .validate_only = true});

  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::none);
  EXPECT_TRUE(decision.records.empty());
}

}  // namespace
}  // namespace tidelog::broker
