#include "tests/unit/broker/metadata/world.h"

namespace tidelog::broker {
namespace {

class DeleteTopics : public testing::Test {
 protected:
  DeleteTopics() { create(machine_, {new_topic("a", 1), new_topic("b", 2)}); }

  TopicsDecision decide(const std::vector<TopicSelector>& topics) const { return machine_.delete_topics(topics); }

  MetadataMachine machine_ = machine_with_brokers(1);
};

TEST_F(DeleteTopics, AnswersNameAndIdWhicheverWasGiven) {
  const TopicsDecision decision = decide({{.name = "a"}, {.id = test_id(2)}});

  ASSERT_EQ(decision.verdicts.size(), 2U);
  EXPECT_EQ(decision.verdicts[0].id, test_id(1));
  EXPECT_EQ(decision.verdicts[1].name, "b");
  EXPECT_EQ(decision.records, (std::vector<MetadataRecord>{DeleteTopicRecord{test_id(1)}, DeleteTopicRecord{test_id(2)}}));
}

TEST_F(DeleteTopics, TellsAnUnknownNameFromAnUnknownId) {
  const TopicsDecision decision = decide({{.name = "c"}, {.id = test_id(3)}, {.name = "a b"}, {.name = ""}});

  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(decision.verdicts[1].error, ErrorCode::unknown_topic_id);
  EXPECT_EQ(decision.verdicts[1].id, test_id(3));
  EXPECT_EQ(decision.verdicts[2].error, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(decision.verdicts[3].error, ErrorCode::unknown_topic_or_partition);
  EXPECT_TRUE(decision.records.empty());
}

TEST_F(DeleteTopics, WantsExactlyOneOfNameAndId) {
  const TopicsDecision decision = decide({{.name = "a", .id = test_id(1)}, {}});

  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::invalid_request);
  EXPECT_EQ(decision.verdicts[1].error, ErrorCode::invalid_request);
  EXPECT_TRUE(decision.records.empty());
}

TEST_F(DeleteTopics, KeepsATopicThatIsNamedTwiceAndAnswersItOnce) {
  const TopicsDecision decision = decide({{.name = "a"}, {.name = "b"}, {.name = "a"}});

  ASSERT_EQ(decision.verdicts.size(), 2U);
  EXPECT_EQ(decision.verdicts[0].name, "a");
  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::invalid_request);
  EXPECT_TRUE(decision.verdicts[0].id.is_zero());
  EXPECT_EQ(decision.records, std::vector<MetadataRecord>{DeleteTopicRecord{test_id(2)}});
}

TEST_F(DeleteTopics, KeepsATopicWhoseIdIsGivenTwiceAndAnswersItOnce) {
  const TopicsDecision decision = decide({{.id = test_id(1)}, {.id = test_id(1)}});

  ASSERT_EQ(decision.verdicts.size(), 1U);
  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::invalid_request);
  EXPECT_EQ(decision.verdicts[0].id, test_id(1));
  EXPECT_TRUE(decision.records.empty());
}

TEST_F(DeleteTopics, KeepsATopicGivenByNameAndByIdAndAnswersItOnce) {
  const TopicsDecision decision = decide({{.id = test_id(1)}, {.name = "a"}});

  ASSERT_EQ(decision.verdicts.size(), 1U);
  EXPECT_EQ(decision.verdicts[0].name, "a");
  EXPECT_EQ(decision.verdicts[0].id, test_id(1));
  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::invalid_request);
  EXPECT_TRUE(decision.records.empty());
}

TEST_F(DeleteTopics, RefusesASecondDeletion) {
  apply_all(machine_, decide({{.name = "a"}}));

  EXPECT_EQ(decide({{.name = "a"}}).verdicts[0].error, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(decide({{.id = test_id(1)}}).verdicts[0].error, ErrorCode::unknown_topic_id);
}

}  // namespace
}  // namespace tidelog::broker
