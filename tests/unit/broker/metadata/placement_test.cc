#include "broker/metadata/placement.h"

#include "tests/unit/broker/metadata/world.h"

#include <map>
#include <set>

namespace tidelog::broker {
namespace {

using Placed = std::vector<std::vector<NodeId>>;

const std::vector<NodeId> kThree = {{1}, {2}, {3}};

TEST(Placement, GoesRoundRobinFromTheStart) {
  const Placed placed = place(kThree, 4, 1, 1);

  EXPECT_EQ(placed, (Placed{{{2}}, {{3}}, {{1}}, {{2}}}));
}

TEST(Placement, ShiftsFollowersFromRoundToRound) {
  const Placed placed = place(kThree, 6, 2, 0);

  EXPECT_EQ(placed, (Placed{{{1}, {2}}, {{2}, {3}}, {{3}, {1}}, {{1}, {3}}, {{2}, {1}}, {{3}, {2}}}));
}

TEST(Placement, NeverPutsTwoReplicasOnOneBroker) {
  for (std::size_t factor = 1; factor <= kThree.size(); ++factor) {
    for (const std::vector<NodeId>& replicas : place(kThree, 20, factor, 7)) {
      EXPECT_EQ(std::set<NodeId>(replicas.begin(), replicas.end()).size(), factor);
    }
  }
}

TEST(Placement, GivesEachBrokerItsShareOfLeaders) {
  std::map<NodeId, int> leaders;
  for (const std::vector<NodeId>& replicas : place(kThree, 300, 3, 5)) ++leaders[replicas.front()];

  EXPECT_EQ(leaders, (std::map<NodeId, int>{{{1}, 100}, {{2}, 100}, {{3}, 100}}));
}

TEST(Placement, ManagesWithOneBrokerAndAnyStart) {
  const std::vector<NodeId> one = {{4}};

  EXPECT_EQ(place(one, 2, 1, SIZE_MAX), (Placed{{{4}}, {{4}}}));
}

TEST(Placement, StartsAPartitionInSyncUnderItsFirstReplica) {
  const PartitionRecord partition = new_partition({3}, {{2}, {1}});

  EXPECT_EQ(partition.index, PartitionIndex{3});
  EXPECT_EQ(partition.isr, partition.replicas);
  EXPECT_EQ(partition.leader, NodeId{2});
  EXPECT_EQ(partition.leader_epoch, LeaderEpoch{0});
}

/// Which directory each partition of a topic is in, by the last byte of its id.
std::vector<int> directories_of(const MetadataMachine& machine, std::string_view topic) {
  std::vector<int> directories;
  for (const PartitionImage& partition : machine.image()->find_topic(topic)->partitions) {
    directories.push_back(static_cast<int>(directory_of(partition, {1}).bytes.back()));
  }
  return directories;
}

DirectoryChoice directories(std::vector<int> ids) {
  DirectoryChoice choice{.broker = {1}};
  for (const int id : ids) choice.directories.push_back(test_id(id));
  return choice;
}

TEST(DirectoryPlacement, TakesTheDirectoryWithTheFewestPartitionsAndTheFirstOfSeveral) {
  MetadataMachine machine = machine_with_brokers(1);

  apply_all(machine, machine.create_topics({.topics = {new_topic("a", 1, 3), new_topic("b", 2, 2)}, .directories = directories({7, 8})}));
  apply_all(machine,
            machine.create_partitions({.topics = {{.topic = "a", .count = 6, .assignments = {}}}, .directories = directories({7, 8, 9})}));

  EXPECT_EQ(directories_of(machine, "b"), (std::vector{8, 7}));
  EXPECT_EQ(directories_of(machine, "a"), (std::vector{7, 8, 7, 9, 9, 8}));
}

TEST(DirectoryPlacement, CountsWhatIsThereAfterATopicWasDeletedAndWhatWasFound) {
  MetadataMachine machine = machine_with_brokers(1);
  apply_all(machine, machine.create_topics({.topics = {new_topic("gone", 1, 4)}, .directories = directories({7})}));
  apply_all(machine, machine.create_topics({.topics = {new_topic("old", 2, 3)}}));
  apply_all(machine, machine.delete_topics(std::vector<TopicSelector>{{.name = "gone", .id = {}}}));
  const AssignDirectoriesRecord found{
      .topic_id = test_id(2), .partitions = {{.index = {0}, .directories = {test_id(7)}}, {.index = {2}, .directories = {test_id(7)}}}};
  ASSERT_TRUE(machine.apply(found).has_value());

  EXPECT_EQ(machine.image()->partitions_in(test_id(7)), 2U);
  EXPECT_EQ(directories_of(machine, "old"), (std::vector{7, 0, 7}));
  EXPECT_TRUE(machine.image()->is_consistent());
}

TEST(DirectoryPlacement, SaysNothingForABrokerWithOneDirectoryNorForOthers) {
  MetadataMachine machine = machine_with_brokers(2);

  apply_all(machine, machine.create_topics({.topics = {new_topic("one", 1, 1, 2)}}));
  apply_all(machine, machine.create_topics({.topics = {new_topic("two", 2, 1, 2)}, .directories = directories({7})}));

  EXPECT_TRUE(machine.image()->find_topic("one")->partitions[0].directories.empty());
  const PartitionImage& partition = machine.image()->find_topic("two")->partitions[0];
  EXPECT_EQ(directory_of(partition, {1}), test_id(7));
  EXPECT_EQ(directory_of(partition, {2}), Uuid());
  EXPECT_EQ(directory_of(partition, {3}), Uuid());
}

}  // namespace
}  // namespace tidelog::broker
