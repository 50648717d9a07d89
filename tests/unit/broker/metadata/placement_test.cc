#include "broker/metadata/placement.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tidelog::broker
