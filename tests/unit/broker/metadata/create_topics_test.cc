#include "tests/unit/broker/metadata/world.h"

#include <gmock/gmock.h>

#include <optional>

namespace tidelog::broker {
namespace {

TopicVerdict verdict_of(const MetadataMachine& machine, const NewTopic& topic) {
  const TopicsDecision decision = machine.create_topics({.topics = {topic}});
  EXPECT_EQ(decision.verdicts.size(), 1U);
  EXPECT_EQ(decision.records.size(), decision.verdicts[0].error == ErrorCode::none ? 1U : 0U);
  EXPECT_EQ(decision.verdicts[0].message.empty(), decision.verdicts[0].error == ErrorCode::none);
  return decision.verdicts[0];
}

ErrorCode error_of(const MetadataMachine& machine, const NewTopic& topic) { return verdict_of(machine, topic).error; }

NewTopic assigned(std::vector<TopicAssignment> assignments) {
  NewTopic topic = new_topic("assigned", 9);
  topic.assignments = std::move(assignments);
  return topic;
}

TEST(CreateTopics, TakesTheDefaultsForMinusOne) {
  const MetadataMachine machine = machine_with_brokers(3);

  const TopicsDecision decision =
      machine.create_topics({.topics = {new_topic("logs", 1)}, .default_partitions = 4, .default_replication_factor = 2});

  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::none);
  EXPECT_EQ(decision.verdicts[0].id, test_id(1));
  EXPECT_EQ(decision.verdicts[0].partitions, 4);
  EXPECT_EQ(decision.verdicts[0].replication_factor, 2);
}

TEST(CreateTopics, WritesOneRecordForAWholeTopic) {
  const MetadataMachine machine = machine_with_brokers(1);

  const TopicsDecision decision = machine.create_topics({.topics = {new_topic("logs", 1, 10'000)}});

  ASSERT_EQ(decision.records.size(), 1U);
  const auto& record = std::get<CreateTopicRecord>(decision.records[0]);
  EXPECT_EQ(record.partitions.size(), 10'000U);
  EXPECT_EQ(record.partitions[9'999].leader, NodeId{1});
  EXPECT_EQ(record.partitions[9'999].isr, record.partitions[9'999].replicas);
}

TEST(CreateTopics, RefusesNamesThatAreNoNames) {
  const MetadataMachine machine = machine_with_brokers(1);

  for (const std::string& name : {std::string(), std::string("."), std::string(".."), std::string("a b"), std::string("\xc3\xa9"),
                                  std::string("a/b"), std::string("a\0b", 3), std::string(250, 'x')}) {
    EXPECT_EQ(error_of(machine, new_topic(name, 1)), ErrorCode::invalid_topic_exception) << name;
  }
  EXPECT_EQ(error_of(machine, new_topic(std::string(249, 'y'), 1)), ErrorCode::none);
}

TEST(CreateTopics, KeepsTheMetadataLogsNameToItself) {
  const MetadataMachine machine = machine_with_brokers(1);

  EXPECT_EQ(error_of(machine, new_topic("__cluster_metadata", 1)), ErrorCode::invalid_request);
}

TEST(CreateTopics, RefusesANameThatIsTaken) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("plain", 1), new_topic("with.dot", 2)});

  EXPECT_EQ(error_of(machine, new_topic("plain", 3)), ErrorCode::topic_already_exists);
  EXPECT_EQ(error_of(machine, new_topic("with.dot", 3)), ErrorCode::topic_already_exists);
}

TEST(CreateTopics, RefusesANameThatDiffersInDotsAndUnderscoresOnly) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("ct.n_1", 1)});

  EXPECT_EQ(error_of(machine, new_topic("ct_n.1", 2)), ErrorCode::invalid_topic_exception);
  EXPECT_EQ(error_of(machine, new_topic("ct-n-1", 2)), ErrorCode::none);
}

TEST(CreateTopics, RefusesLookalikesWithinOneRequest) {
  const MetadataMachine machine = machine_with_brokers(1);

  const TopicsDecision decision = machine.create_topics({.topics = {new_topic("a.b", 1), new_topic("a_b", 2)}});

  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::none);
  EXPECT_EQ(decision.verdicts[1].error, ErrorCode::invalid_topic_exception);
  EXPECT_EQ(decision.records.size(), 1U);
}

TEST(CreateTopics, FreesALookalikeOnceTheTopicIsGone) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("a.b", 1)});
  apply_all(machine, machine.delete_topics(std::vector<TopicSelector>{{.name = "a.b"}}));

  EXPECT_EQ(error_of(machine, new_topic("a_b", 2)), ErrorCode::none);
}

TEST(CreateTopics, MakesNoneOfTheSameNameInOneRequestAndAnswersItOnce) {
  const MetadataMachine machine = machine_with_brokers(1);

  const TopicsDecision decision = machine.create_topics({.topics = {new_topic("twice", 1), new_topic("once", 2), new_topic("twice", 3)}});

  ASSERT_EQ(decision.verdicts.size(), 2U);
  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::invalid_request);
  EXPECT_EQ(decision.verdicts[1].name, "once");
  EXPECT_EQ(decision.verdicts[1].error, ErrorCode::none);
  EXPECT_EQ(decision.records.size(), 1U);
}

TEST(CreateTopics, RefusesCountsThatCannotBe) {
  const MetadataMachine machine = machine_with_brokers(2);

  EXPECT_EQ(error_of(machine, new_topic("t", 1, 0, 1)), ErrorCode::invalid_partitions);
  EXPECT_EQ(error_of(machine, new_topic("t", 1, -2, 1)), ErrorCode::invalid_partitions);
  EXPECT_EQ(error_of(machine, new_topic("t", 1, 1, 0)), ErrorCode::invalid_replication_factor);
  EXPECT_EQ(error_of(machine, new_topic("t", 1, 1, -2)), ErrorCode::invalid_replication_factor);
  EXPECT_EQ(error_of(machine, new_topic("t", 1, 1, 3)), ErrorCode::invalid_replication_factor);
  EXPECT_EQ(error_of(machine, new_topic("t", 1, 1, 2)), ErrorCode::none);
}

TEST(CreateTopics, CapsThePartitionsOfARequest) {
  const MetadataMachine machine = machine_with_brokers(1);
  NewTopic by_hand = assigned({{.partition = 0, .replicas = {{1}}}, {.partition = 1, .replicas = {{1}}}});

  const TopicsDecision counted = machine.create_topics({.topics = {new_topic("a", 1, 6), new_topic("b", 2, 5)}, .max_partitions = 10});
  const TopicsDecision listed = machine.create_topics({.topics = {by_hand}, .max_partitions = 1});

  EXPECT_EQ(counted.verdicts[0].error, ErrorCode::none);
  EXPECT_EQ(counted.verdicts[1].error, ErrorCode::policy_violation);
  EXPECT_EQ(listed.verdicts[0].error, ErrorCode::policy_violation);
  EXPECT_EQ(error_of(machine, new_topic("c", 3, 2'147'483'647)), ErrorCode::policy_violation);
}

TEST(CreateTopics, TakesReplicasAsGiven) {
  const MetadataMachine machine = machine_with_brokers(3);

  const TopicsDecision decision =
      machine.create_topics({.topics = {assigned({{.partition = 1, .replicas = {{3}, {1}}}, {.partition = 0, .replicas = {{2}, {3}}}})}});

  const auto& record = std::get<CreateTopicRecord>(decision.records.at(0));
  EXPECT_EQ(record.partitions[0].replicas, (std::vector<NodeId>{{2}, {3}}));
  EXPECT_EQ(record.partitions[1].replicas, (std::vector<NodeId>{{3}, {1}}));
  EXPECT_EQ(record.partitions[1].leader, NodeId{3});
  EXPECT_EQ(decision.verdicts[0].partitions, 2);
  EXPECT_EQ(decision.verdicts[0].replication_factor, 2);
}

TEST(CreateTopics, RefusesAssignmentsThatCannotBe) {
  const MetadataMachine machine = machine_with_brokers(2);
  const std::vector<std::vector<TopicAssignment>> wrong = {
      {{.partition = 0, .replicas = {{9}}}},
      {{.partition = 0, .replicas = {{-3}}}},
      {{.partition = 0, .replicas = {{1}, {1}}}},
      {{.partition = 0, .replicas = {}}},
      {{.partition = 0, .replicas = {{1}}}, {.partition = 2, .replicas = {{1}}}},
      {{.partition = 1, .replicas = {{1}}}},
      {{.partition = -1, .replicas = {{1}}}},
      {{.partition = 0, .replicas = {{1}}}, {.partition = 0, .replicas = {{1}}}},
      {{.partition = 0, .replicas = {{1}}}, {.partition = 1, .replicas = {{1}, {2}}}},
  };

  for (std::size_t i = 0; i < wrong.size(); ++i) {
    EXPECT_EQ(error_of(machine, assigned(wrong[i])), ErrorCode::invalid_replica_assignment) << "case " << i;
  }
}

TEST(CreateTopics, RefusesCountsBesideAssignments) {
  const MetadataMachine machine = machine_with_brokers(1);
  NewTopic with_partitions = assigned({{.partition = 0, .replicas = {{1}}}});
  with_partitions.partitions = 1;
  NewTopic with_factor = assigned({{.partition = 0, .replicas = {{1}}}});
  with_factor.replication_factor = 1;

  EXPECT_EQ(error_of(machine, with_partitions), ErrorCode::invalid_request);
  EXPECT_EQ(error_of(machine, with_factor), ErrorCode::invalid_request);
}

TEST(CreateTopics, AsksTheConfigCheck) {
  const MetadataMachine machine = machine_with_brokers(1);
  NewTopic bad = new_topic("bad", 1);
  bad.configs = {{"retention.ms", "soon"}};
  NewTopic good = new_topic("good", 2);
  good.configs = {{"retention.ms", "1000"}};
  const ConfigCheck check = [](const auto& configs) { return configs.at("retention.ms") == "soon" ? "not a number" : ""; };

  const TopicsDecision decision = machine.create_topics({.topics = {bad, good}, .check_configs = check});

  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::invalid_config);
  EXPECT_EQ(decision.verdicts[0].message, "not a number");
  EXPECT_EQ(decision.verdicts[0].partitions, -1);
  EXPECT_EQ(decision.verdicts[1].error, ErrorCode::none);
  EXPECT_EQ(std::get<CreateTopicRecord>(decision.records.at(0)).configs, good.configs);
}

TEST(CreateTopics, RefusesAConfigWithoutAValue) {
  const MetadataMachine machine = machine_with_brokers(1);
  NewTopic topic = new_topic("t", 1);
  topic.config_without_value = "retention.ms";

  const TopicVerdict verdict = verdict_of(machine, topic);

  EXPECT_EQ(verdict.error, ErrorCode::invalid_config);
  EXPECT_THAT(verdict.message, testing::HasSubstr("retention.ms"));
}

TEST(CreateTopics, OnlyValidatesWhenToldTo) {
  const MetadataMachine machine = machine_with_brokers(1);

  const TopicsDecision decision = machine.create_topics({.topics = {new_topic("a", 1, 3), new_topic("b", 2, 0)}, .validate_only = true});

  EXPECT_TRUE(decision.records.empty());
  EXPECT_EQ(decision.verdicts[0].error, ErrorCode::none);
  EXPECT_TRUE(decision.verdicts[0].id.is_zero());
  EXPECT_EQ(decision.verdicts[0].partitions, 3);
  EXPECT_EQ(decision.verdicts[1].error, ErrorCode::invalid_partitions);
}

TEST(CreateTopics, NeverUsesAnIdTwice) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("first", 1)});

  EXPECT_EQ(error_of(machine, new_topic("second", 1)), ErrorCode::unknown_server_error);
  EXPECT_EQ(error_of(machine, new_topic("second", 0)), ErrorCode::unknown_server_error);
}

TEST(CreateTopics, SpreadsSmallTopicsOfOneRequestOverTheBrokers) {
  const MetadataMachine machine = machine_with_brokers(3);

  const TopicsDecision decision =
      machine.create_topics({.topics = {new_topic("a", 1, 1), new_topic("b", 2, 1), new_topic("c", 3, 1)}, .first_broker = 1});

  std::vector<NodeId> leaders;
  for (const MetadataRecord& record : decision.records) leaders.push_back(std::get<CreateTopicRecord>(record).partitions[0].leader);
  EXPECT_EQ(leaders, (std::vector<NodeId>{{2}, {3}, {1}}));
}

}  // namespace
}  // namespace tidelog::broker
