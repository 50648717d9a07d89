#include "tests/unit/broker/metadata/world.h"

#include <cmath>
#include <cstdint>

namespace tidelog::broker {
namespace {

PartitionRecord partition(std::int32_t index, std::vector<NodeId> replicas) {
  return {.index = {index}, .replicas = replicas, .isr = replicas, .leader = replicas.front()};
}

CreateTopicRecord topic_record(std::string name, int id) {
  return {.topic_id = test_id(id), .name = std::move(name), .partitions = {partition(0, {{1}})}};
}

TEST(RuleR8, TwoDecisionsWithoutAnApplyGiveTheSameAnswer) {
  const MetadataMachine machine = machine_with_brokers(1);

  const ProducerIdsDecision first = machine.allocate_producer_ids({1}, 1);
  const ProducerIdsDecision second = machine.allocate_producer_ids({1}, 1);
  const TopicsDecision once = machine.create_topics({.topics = {new_topic("t", 1)}});
  const TopicsDecision again = machine.create_topics({.topics = {new_topic("t", 1)}});

  // So whoever drives the machine must apply between them: nothing of the first answer is kept here.
  EXPECT_EQ(first.first, second.first);
  EXPECT_EQ(first.records, second.records);
  EXPECT_EQ(once.records, again.records);
  EXPECT_EQ(again.verdicts[0].error, ErrorCode::none);
  EXPECT_EQ(machine.image()->topics().size(), 0U);
}

TEST(RuleR8, ADecisionAfterTheApplySeesIt) {
  MetadataMachine machine = machine_with_brokers(1);

  const ProducerIdsDecision first = machine.allocate_producer_ids({1}, 1);
  apply_all(machine, first);
  const ProducerIdsDecision second = machine.allocate_producer_ids({1}, 1);

  EXPECT_EQ(first.end, second.first);
}

TEST(RuleR10, ATopicMadeAnewHasANewIdAndTheOldIdFindsNothing) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("t", 1)});

  apply_all(machine, machine.delete_topics(std::vector<TopicSelector>{{.name = "t"}}));
  create(machine, {new_topic("t", 2)});

  EXPECT_EQ(machine.image()->find_topic("t")->id, test_id(2));
  EXPECT_EQ(machine.image()->find_topic(test_id(1)), nullptr);
  EXPECT_EQ(machine.image()->find_topic(test_id(2)), machine.image()->find_topic("t"));
}

TEST(MetadataMachine, LeavesAnImageThatSomebodyHoldsAsItWas) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("old", 1)});
  const std::shared_ptr<const Image> held = machine.image();
  const TopicImage* old_topic = held->find_topic("old");

  create(machine, {new_topic("new", 2)});

  EXPECT_EQ(held->find_topic("new"), nullptr);
  EXPECT_EQ(held->topics().size(), 1U);
  // Shared, not copied.
  EXPECT_EQ(machine.image()->find_topic("old"), old_topic);
}

TEST(MetadataMachine, MakesEqualImagesOfEqualRecords) {
  const std::vector<MetadataRecord> records = {
      ClusterInfoRecord{.cluster_id = "cluster"},
      RegisterBrokerRecord{.node_id = {1}, .incarnation = test_id(1), .broker_epoch = 1},
      topic_record("a", 1),
      topic_record("b.c", 2),
      AddPartitionsRecord{.topic_id = test_id(2), .partitions = {partition(1, {{1}}), partition(2, {{1}})}},
      AssignDirectoriesRecord{.topic_id = test_id(2), .partitions = {{.index = {1}, .directories = {test_id(9)}}}},
      SetConfigRecord{.resource = "a", .key = "retention.ms", .value = "1"},
      SetConfigRecord{.scope = ConfigScope::broker, .resource = "1", .key = "log.retention.ms", .value = "2"},
      ClientQuotaRecord{.entity = {{"client-id", "c"}}, .values = {{"producer_byte_rate", 5.0}, {"consumer_byte_rate", 6.0}}},
      ClientQuotaRecord{.entity = {{"client-id", std::nullopt}}, .values = {{"producer_byte_rate", 7.0}}},
      ClientQuotaRecord{.entity = {{"client-id", "c"}}, .values = {{"producer_byte_rate", std::nullopt}}},
      DeleteTopicRecord{test_id(1)},
      ProducerIdBlockRecord{.node_id = {1}, .broker_epoch = 1, .next_producer_id = {1000}},
      RegisterBrokerRecord{.node_id = {1}, .incarnation = test_id(2), .broker_epoch = 2, .unclean = true},
  };
  MetadataMachine one_by_one;
  MetadataMachine at_once;

  for (const MetadataRecord& record : records) ASSERT_TRUE(one_by_one.apply(record).has_value());
  ASSERT_TRUE(at_once.apply(records).has_value());

  EXPECT_EQ(*one_by_one.image(), *at_once.image());
  EXPECT_EQ(fingerprint(*one_by_one.image()), fingerprint(*at_once.image()));
  EXPECT_TRUE(at_once.image()->is_consistent());
}

TEST(MetadataMachine, AppliesAllOfABatchOrNothing) {
  MetadataMachine machine = machine_with_brokers(1);
  const std::vector<MetadataRecord> records = {topic_record("a", 1), topic_record("a", 2)};

  const Result<void> applied = machine.apply(records);

  ASSERT_FALSE(applied.has_value());
  EXPECT_EQ(applied.error(), Errc::corrupt);
  EXPECT_EQ(machine.image()->topics().size(), 0U);
}

TEST(MetadataMachine, RefusesRecordsThatContradictWhatIsThere) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("a.b", 1)});
  ASSERT_TRUE(machine.apply(ClusterInfoRecord{.cluster_id = "here"}).has_value());
  ASSERT_TRUE(machine.apply(ProducerIdBlockRecord{.next_producer_id = {1000}}).has_value());
  const std::uint64_t before = fingerprint(*machine.image());
  const std::vector<MetadataRecord> wrong = {
      topic_record("a.b", 2),
      topic_record("a_b", 2),
      topic_record("other", 1),
      DeleteTopicRecord{test_id(2)},
      AddPartitionsRecord{.topic_id = test_id(2), .partitions = {partition(1, {{1}})}},
      AddPartitionsRecord{.topic_id = test_id(1), .partitions = {}},
      AddPartitionsRecord{.topic_id = test_id(1), .partitions = {partition(0, {{1}})}},
      AddPartitionsRecord{.topic_id = test_id(1), .partitions = {partition(2, {{1}})}},
      AddPartitionsRecord{.topic_id = test_id(1), .partitions = {partition(1, {{1}}), partition(1, {{1}})}},
      AddPartitionsRecord{.topic_id = test_id(1), .partitions = {{.index = {1}, .leader = {1}}}},
      AssignDirectoriesRecord{.topic_id = test_id(2), .partitions = {{.index = {0}, .directories = {test_id(9)}}}},
      AssignDirectoriesRecord{.topic_id = test_id(1), .partitions = {{.index = {1}, .directories = {test_id(9)}}}},
      AssignDirectoriesRecord{.topic_id = test_id(1), .partitions = {{.index = {-1}, .directories = {test_id(9)}}}},
      AssignDirectoriesRecord{.topic_id = test_id(1), .partitions = {{.index = {0}, .directories = {}}}},
      ClientQuotaRecord{.entity = {}, .values = {{"producer_byte_rate", 5.0}}},
      ClientQuotaRecord{.entity = {{"user", "u"}}, .values = {}},
      ClientQuotaRecord{.entity = {{"user", "u"}}, .values = {{"producer_byte_rate", 0.0}}},
      ClientQuotaRecord{.entity = {{"user", "u"}}, .values = {{"producer_byte_rate", std::nan("")}}},
      ClusterInfoRecord{.cluster_id = "elsewhere"},
      ClusterInfoRecord{},
      ProducerIdBlockRecord{.next_producer_id = {999}},
      ProducerIdBlockRecord{.next_producer_id = {INT64_MAX}},
      SetConfigRecord{.resource = "nowhere", .key = "k", .value = "v"},
      SetConfigRecord{.resource = "a.b", .key = "", .value = "v"},
      SetConfigRecord{.scope = ConfigScope::broker, .resource = "one", .key = "k", .value = "v"},
      RegisterBrokerRecord{.node_id = {1}, .incarnation = test_id(7), .broker_epoch = 1},
      RegisterBrokerRecord{.node_id = {-1}, .incarnation = test_id(7), .broker_epoch = 5},
  };

  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const Result<void> applied = machine.apply(wrong[i]);
    ASSERT_FALSE(applied.has_value()) << "case " << i;
    EXPECT_EQ(applied.error(), Errc::corrupt) << "case " << i;
  }
  EXPECT_EQ(fingerprint(*machine.image()), before);
}

TEST(MetadataMachine, RefusesTopicsThatADamagedLogMightHold) {
  MetadataMachine machine = machine_with_brokers(1);
  std::vector<CreateTopicRecord> wrong(10, topic_record("t", 1));
  wrong[0].topic_id = {};
  wrong[1].name = "../../etc";
  wrong[2].partitions.clear();
  wrong[3].partitions[0].index = {1};
  wrong[4].partitions[0].replicas.clear();
  wrong[5].partitions[0].replicas = {{1}, {1}};
  wrong[6].partitions[0].isr = {{2}};
  wrong[7].partitions[0].isr = {};
  wrong[8].partitions[0].leader_epoch = {INT32_MAX};
  wrong[9].partitions[0].partition_epoch = -1;

  for (std::size_t i = 0; i < wrong.size(); ++i) EXPECT_FALSE(machine.apply(wrong[i]).has_value()) << "case " << i;
  EXPECT_TRUE(machine.apply(topic_record("t", 1)).has_value());
}

TEST(MetadataMachine, TakesAPartitionWithoutALeader) {
  MetadataMachine machine = machine_with_brokers(1);
  CreateTopicRecord record = topic_record("t", 1);
  record.partitions[0].isr = {};
  record.partitions[0].leader = {-1};

  EXPECT_TRUE(machine.apply(record).has_value());
}

TEST(MetadataMachine, SetsAndTakesBackConfigs) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("t", 1)});

  ASSERT_TRUE(machine.apply(SetConfigRecord{.resource = "t", .key = "retention.ms", .value = "1"}).has_value());
  const auto set = machine.image()->find_topic(test_id(1))->configs;
  ASSERT_TRUE(machine.apply(SetConfigRecord{.resource = "t", .key = "retention.ms"}).has_value());
  ASSERT_TRUE(machine.apply(SetConfigRecord{.scope = ConfigScope::broker, .resource = "", .key = "k", .value = ""}).has_value());

  EXPECT_EQ(set, (Image::Configs{{"retention.ms", "1"}}));
  EXPECT_TRUE(machine.image()->find_topic("t")->configs.empty());
  EXPECT_EQ(machine.image()->resource_configs(),
            (std::map<ConfigResource, Image::Configs>{{{.scope = ConfigScope::broker, .name = ""}, {{"k", ""}}}}));
}

TEST(RegisterBroker, GivesEachProcessAHigherEpoch) {
  MetadataMachine machine;

  const RegisterDecision first = machine.register_broker({.node_id = {1}, .incarnation = test_id(1)});
  apply_all(machine, first);
  const RegisterDecision second = machine.register_broker({.node_id = {1}, .incarnation = test_id(2)});

  EXPECT_LT(first.broker_epoch, second.broker_epoch);
}

TEST(RegisterBroker, AnswersARetryWithoutARecord) {
  MetadataMachine machine;
  const RegisterDecision first = machine.register_broker({.node_id = {1}, .incarnation = test_id(1)});
  apply_all(machine, first);

  const RegisterDecision retry = machine.register_broker({.node_id = {1}, .incarnation = test_id(1)});

  EXPECT_TRUE(retry.records.empty());
  EXPECT_EQ(retry.broker_epoch, first.broker_epoch);
}

TEST(RegisterBroker, RaisesTheEpochsOfWhatAnUncleanNodeLedAndOfNothingElse) {
  MetadataMachine machine = machine_with_brokers(2);
  create(machine, {new_topic("t", 1, 2, 2)});

  register_node(machine, 1, 11, /*unclean=*/true);

  const std::vector<PartitionImage>& partitions = machine.image()->find_topic("t")->partitions;
  ASSERT_EQ(partitions[0].leader, NodeId{1});
  EXPECT_EQ(partitions[0].leader_epoch, LeaderEpoch{1});
  EXPECT_EQ(partitions[0].partition_epoch, 1);
  EXPECT_EQ(partitions[1].leader_epoch, LeaderEpoch{0});
}

TEST(RegisterBroker, LeavesEpochsAloneAfterACleanStop) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("t", 1)});

  register_node(machine, 1, 11);

  EXPECT_EQ(machine.image()->find_topic("t")->partitions[0].leader_epoch, LeaderEpoch{0});
}

TEST(ProducerIds, GoToNobodyTwice) {
  MetadataMachine machine = machine_with_brokers(2);

  const ProducerIdsDecision one = machine.allocate_producer_ids({1}, 1);
  apply_all(machine, one);
  const ProducerIdsDecision other = machine.allocate_producer_ids({2}, 1);

  EXPECT_EQ(one.first, ProducerId{0});
  EXPECT_EQ(one.end - one.first, 1000);
  EXPECT_EQ(other.first, one.end);
}

TEST(Snapshot, RebuildsAnEqualImage) {
  MetadataMachine machine = machine_with_brokers(3);
  ASSERT_TRUE(machine.apply(ClusterInfoRecord{.cluster_id = "cluster"}).has_value());
  create(machine, {new_topic("a", 1, 5, 3), new_topic("b.c", 2, 1, 2), new_topic("gone", 3)});
  apply_all(machine, machine.delete_topics(std::vector<TopicSelector>{{.name = "gone"}}));
  apply_all(machine, machine.allocate_producer_ids({1}, 1));
  ASSERT_TRUE(machine.apply(SetConfigRecord{.scope = ConfigScope::broker, .resource = "2", .key = "k", .value = "v"}).has_value());
  register_node(machine, 2, 22, /*unclean=*/true);
  MetadataMachine rebuilt;

  ASSERT_TRUE(rebuilt.apply(machine.image()->snapshot()).has_value());

  EXPECT_EQ(*rebuilt.image(), *machine.image());
  EXPECT_EQ(fingerprint(*rebuilt.image()), fingerprint(*machine.image()));
  EXPECT_EQ(rebuilt.register_broker({.node_id = {2}, .incarnation = test_id(23)}).broker_epoch, 3);
}

class EveryKeyIsAList final : public ConfigRules {
 public:
  [[nodiscard]] bool is_list(ConfigScope, std::string_view) const override { return true; }
  [[nodiscard]] std::string list_in_force(ConfigScope, std::string_view) const override { return {}; }
  [[nodiscard]] ConfigProblem problem(const ConfigResource&, const std::map<std::string, std::string>&) const override { return {}; }
};

TEST(AlterConfigs, AppendsNoMoreThanAnAnswerCanTell) {
  MetadataMachine machine = machine_with_brokers(1);
  const EveryKeyIsAList rules;
  const auto append = [&](std::string value) {
    const std::vector<ResourceChange> resources{
        {.type = 32, .name = "g", .changes = {{.key = "k", .operation = 2, .value = std::move(value)}}}};
    const ConfigsDecision decision = machine.alter_configs({.resources = resources, .broker = {1}, .rules = rules});
    apply_all(machine, decision);
    return decision.verdicts.front().error;
  };

  EXPECT_EQ(append(std::string(20000, 'a')), ErrorCode::none);
  EXPECT_EQ(append(std::string(12766, 'b')), ErrorCode::none);
  EXPECT_EQ(append("c"), ErrorCode::invalid_config);

  EXPECT_EQ(machine.image()->configs_of(ConfigScope::group, "g").at("k").size(), 32767U);
}

/// Changes the list `k` of group `g`; what it is afterwards.
std::string change_list(MetadataMachine& machine, ConfigOperation operation, std::string value) {
  const EveryKeyIsAList rules;
  const std::vector<ResourceChange> resources{
      {.type = 32, .name = "g", .changes = {{.key = "k", .operation = static_cast<std::int8_t>(operation), .value = std::move(value)}}}};
  const ConfigsDecision decision = machine.alter_configs({.resources = resources, .broker = {1}, .rules = rules});
  EXPECT_EQ(decision.verdicts.front().error, ErrorCode::none) << decision.verdicts.front().message;
  apply_all(machine, decision);
  return machine.image()->configs_of(ConfigScope::group, "g").at("k");
}

TEST(AlterConfigs, KeepsTheOrderOfALongList) {
  MetadataMachine machine = machine_with_brokers(1);
  std::string even, all, odd;
  for (int i = 0; i < 4000; ++i) {
    const std::string element = std::to_string(i);
    (i % 2 == 0 ? even : odd) += (i < 2 ? "" : ",") + element;
  }
  all = even + "," + odd;

  EXPECT_EQ(change_list(machine, ConfigOperation::set, even), even);
  EXPECT_EQ(change_list(machine, ConfigOperation::append, odd + ",0,1," + odd), all);
  EXPECT_EQ(change_list(machine, ConfigOperation::subtract, even + ",none"), odd);
  EXPECT_EQ(change_list(machine, ConfigOperation::subtract, odd), "");
}

// Each change of a few bytes has a whole list read, and all of a request is judged at once.
TEST(AlterConfigs, ReadsOnlySoMuchOfListsForOneRequest) {
  const MetadataMachine machine = machine_with_brokers(1);
  const EveryKeyIsAList rules;
  std::vector<ResourceChange> resources;
  for (int i = 0; i < 18; ++i) {
    resources.push_back(
        {.type = 32, .name = "g" + std::to_string(i), .changes = {{.key = "k", .operation = 2, .value = std::string(30000, 'a')}}});
  }

  const ConfigsDecision decision = machine.alter_configs({.resources = resources, .validate_only = true, .broker = {1}, .rules = rules});

  EXPECT_EQ(decision.verdicts[16].error, ErrorCode::none);
  EXPECT_EQ(decision.verdicts[17].error, ErrorCode::policy_violation);
  EXPECT_EQ(decision.verdicts[17].met, ConfigLimit::one_request);
}

TEST(AlterConfigs, SaysThatTooManyGroupsHaveConfigs) {
  const MetadataMachine machine = machine_with_brokers(1);
  const EveryKeyIsAList rules;
  std::vector<ResourceChange> resources;
  for (int i = 0; i <= 10'000; ++i) {
    resources.push_back({.type = 32, .name = "g" + std::to_string(i), .changes = {{.key = "k", .value = "v"}}});
  }

  const ConfigsDecision decision = machine.alter_configs({.resources = resources, .broker = {1}, .rules = rules});

  EXPECT_EQ(decision.verdicts[9'999].error, ErrorCode::none);
  EXPECT_EQ(decision.verdicts[9'999].met, ConfigLimit::none);
  EXPECT_EQ(decision.verdicts[10'000].error, ErrorCode::policy_violation);
  EXPECT_EQ(decision.verdicts[10'000].met, ConfigLimit::resources);
}

TEST(Fingerprint, TellsImagesApart) {
  MetadataMachine machine = machine_with_brokers(1);
  create(machine, {new_topic("t", 1)});
  const std::uint64_t before = fingerprint(*machine.image());

  register_node(machine, 1, 11, /*unclean=*/true);

  EXPECT_NE(fingerprint(*machine.image()), before);
}

}  // namespace
}  // namespace tidelog::broker
