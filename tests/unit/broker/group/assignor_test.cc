#include "broker/group/assignor.h"

#include "broker/group/range_assignor.h"
#include "broker/group/uniform_assignor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

// What an assignor promises, on problems that are drawn at random, and a few by hand.

namespace tidelog::broker {
namespace {

/// A group by name: topics with partition counts, members with topics. It remembers what each was meant to have.
class Group {
 public:
  void topic(const std::string& name, Slot partitions) { topics_[name] = partitions; }
  void member(const std::string& id, std::set<std::string> topics, std::string instance = {}) {
    members_[id].topics = std::move(topics);
    members_[id].instance = std::move(instance);
  }
  void leave(const std::string& id) { members_.erase(id); }
  [[nodiscard]] std::size_t size() const { return members_.size(); }

  using Partition = std::pair<std::string, Slot>;
  using Owned = std::map<std::string, std::set<Partition>>;
  [[nodiscard]] Owned owned() const {
    Owned all;
    for (const auto& [id, member] : members_) all[id] = member.owned;
    return all;
  }

  template <class Assign>
  void assign(const Assign& assign) {
    AssignmentProblem problem;
    std::map<std::string, std::uint32_t> index;
    for (const auto& [name, partitions] : topics_) {
      index[name] = static_cast<std::uint32_t>(index.size());
      problem.first_slot.push_back(problem.first_slot.back() + partitions);
    }
    for (auto& [id, member] : members_) problem.members.push_back(stated(id, member, problem, index));
    const SlotLists lists = assign(problem);
    ASSERT_EQ(lists.size(), members_.size());
    auto list = lists.begin();
    for (auto& [id, member] : members_) {
      EXPECT_TRUE(std::ranges::is_sorted(*list));
      member.owned.clear();
      for (const Slot slot : *list++) member.owned.insert(partition_of(slot));
    }
  }

  /// Every partition somebody subscribes to is exactly one's, who subscribes to it.
  void expect_whole() const {
    std::map<Partition, int> owners;
    for (const auto& [id, member] : members_) {
      for (const auto& [topic, partition] : member.owned) EXPECT_TRUE(member.topics.contains(topic)) << id << " got " << topic;
      for (const Partition& one : member.owned) ++owners[one];
      for (const std::string& topic : member.topics) {
        for (Slot at = 0; topics_.contains(topic) && at < topics_.at(topic); ++at) owners.try_emplace({topic, at}, 0);
      }
    }
    for (const auto& [partition, count] : owners) EXPECT_EQ(count, 1) << partition.first << "-" << partition.second;
  }
  /// Nobody has a partition that another could take and have no more than it then has.
  void expect_balanced() const {
    for (const auto& [id, member] : members_) {
      for (const auto& [other_id, other] : members_) {
        if (could_take(other, member)) EXPECT_LE(member.owned.size(), other.owned.size() + 1) << id << " and " << other_id;
      }
    }
  }
  /// How many of the partitions in `before` are not with who had them.
  [[nodiscard]] std::size_t moved_since(const Owned& before) const {
    std::size_t moved = 0;
    for (const auto& [id, partitions] : before) {
      const auto found = members_.find(id);
      for (const Partition& one : partitions) moved += found == members_.end() || !found->second.owned.contains(one) ? 1 : 0;
    }
    return moved;
  }
  /// The fewest that must move if all subscribe to the same and differ by one at most.
  [[nodiscard]] std::size_t fewest_moves(const Owned& before) const {
    std::size_t partitions = 0;
    for (const auto& [topic, count] : topics_) partitions += count;
    const std::size_t share = partitions / members_.size();
    std::size_t one_more = partitions % members_.size();
    std::size_t moves = 0;
    for (const auto& [id, owned] : before) {
      if (!members_.contains(id)) {
        moves += owned.size();
        continue;
      }
      const std::size_t most = share + (owned.size() > share && one_more > 0 ? 1 : 0);
      if (most > share) --one_more;
      moves += owned.size() > most ? owned.size() - most : 0;
    }
    return moves;
  }

 private:
  struct Member {
    std::set<std::string> topics;
    std::string instance;
    std::set<Partition> owned;
  };

  /// Whether `taker` subscribes to anything that `giver` has.
  static bool could_take(const Member& taker, const Member& giver) {
    return std::ranges::any_of(giver.owned, [&](const Partition& one) { return taker.topics.contains(one.first); });
  }

  static AssignmentProblem::Member stated(const std::string& id, const Member& member, AssignmentProblem& problem,
                                          const std::map<std::string, std::uint32_t>& index) {
    std::vector<std::uint32_t> topics;
    for (const std::string& topic : member.topics) {
      if (index.contains(topic)) topics.push_back(index.at(topic));
    }
    auto known = std::ranges::find(problem.subscriptions, topics);
    if (known == problem.subscriptions.end()) known = problem.subscriptions.insert(known, topics);
    AssignmentProblem::Member stated{.subscription = static_cast<std::size_t>(known - problem.subscriptions.begin()),
                                     .id = id,
                                     .instance_id = member.instance,
                                     .owned = {}};
    for (const auto& [topic, partition] : member.owned) {
      const bool is_wanted = member.topics.contains(topic) && index.contains(topic);
      const Slot first = is_wanted ? problem.first_slot[index.at(topic)] : 0;
      if (is_wanted && partition < problem.first_slot[index.at(topic) + 1] - first) stated.owned.push_back(first + partition);
    }
    return stated;
  }
  [[nodiscard]] Partition partition_of(Slot slot) const {
    for (const auto& [name, partitions] : topics_) {
      if (slot < partitions) return {name, slot};
      slot -= partitions;
    }
    return {"none", slot};
  }

  std::map<std::string, Slot> topics_;
  std::map<std::string, Member> members_;
};

std::string topic_name(int n) { return "t" + std::to_string(n); }

/// Members come, go and change their minds; `same` for subscriptions to everything.
void change_at_random(Group& group, std::mt19937& random, bool same) {
  const auto pick = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
  const int changes = 1 + pick(3);
  for (int change = 0; change < changes; ++change) {
    const std::string id = "m" + std::to_string(pick(9));
    std::set<std::string> topics;
    for (int topic = 0; topic < 5; ++topic) {
      if (same || pick(2) == 0) topics.insert(topic_name(topic));
    }
    if (pick(3) == 0 && group.size() > 1) {
      group.leave(id);
    } else {
      group.member(id, topics, pick(4) == 0 ? "i" + id : "");
    }
  }
  if (group.size() == 0) group.member("m0", {"t0", "t1", "t2", "t3", "t4"});
}

void fill_topics(Group& group, std::mt19937& random) {
  for (int topic = 0; topic < 5; ++topic) group.topic(topic_name(topic), random() % 12U);
}

TEST(UniformAssignor, MovesAsFewAsItMustWhileAllSubscribeAlike) {
  for (unsigned seed = 0; seed < 200 && !testing::Test::HasFailure(); ++seed) {
    std::mt19937 random(seed);
    Group group;
    fill_topics(group, random);
    for (int round = 0; round < 8; ++round) {
      change_at_random(group, random, true);
      const Group::Owned before = group.owned();

      group.assign(assign_uniform);

      SCOPED_TRACE("seed " + std::to_string(seed));
      group.expect_whole();
      group.expect_balanced();
      EXPECT_EQ(group.moved_since(before), group.fewest_moves(before));
    }
  }
}

TEST(UniformAssignor, BalancesWhateverMembersSubscribeTo) {
  for (unsigned seed = 0; seed < 400 && !testing::Test::HasFailure(); ++seed) {
    std::mt19937 random(seed);
    Group group;
    fill_topics(group, random);
    for (int round = 0; round < 8; ++round) {
      change_at_random(group, random, false);
      if (random() % 4U == 0) fill_topics(group, random);

      group.assign(assign_uniform);

      SCOPED_TRACE("seed " + std::to_string(seed));
      group.expect_whole();
      group.expect_balanced();
    }
  }
}

TEST(UniformAssignor, MovesNothingWhenNothingChanged) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    Group group;
    fill_topics(group, random);
    for (int round = 0; round < 4; ++round) change_at_random(group, random, false);
    group.assign(assign_uniform);
    const Group::Owned before = group.owned();

    group.assign(assign_uniform);

    EXPECT_EQ(group.owned(), before) << "seed " << seed;
  }
}

TEST(UniformAssignor, GivesWhatOneHadAloneToWhoComes) {
  Group group;
  group.topic("t", 4);
  group.member("a", {"t"});
  group.assign(assign_uniform);
  group.member("b", {"t"});

  group.assign(assign_uniform);

  EXPECT_EQ(group.owned(), (Group::Owned{{"a", {{"t", 0}, {"t", 1}}}, {"b", {{"t", 2}, {"t", 3}}}}));
}

TEST(UniformAssignor, GivesATopicOfFewToThemFirst) {
  Group group;
  group.topic("all", 4);
  group.topic("ours", 4);
  group.member("a", {"all"});
  group.member("b", {"all", "ours"});

  group.assign(assign_uniform);

  EXPECT_EQ(group.owned(), (Group::Owned{{"a", {{"all", 0}, {"all", 1}, {"all", 2}, {"all", 3}}},
                                         {"b", {{"ours", 0}, {"ours", 1}, {"ours", 2}, {"ours", 3}}}}));
}

TEST(UniformAssignor, DropsTheSecondOfTwoThatWereMeantToHaveTheSame) {
  AssignmentProblem problem;
  problem.first_slot = {0, 1};
  problem.subscriptions = {{0}};
  problem.members = {{.id = "a", .owned = {0}}, {.id = "b", .owned = {0}}};

  EXPECT_EQ(assign_uniform(problem), (SlotLists{{0}, {}}));
}

TEST(UniformAssignor, HasNothingForMembersWithoutTopics) {
  AssignmentProblem problem;
  problem.subscriptions = {{}};
  problem.members = {{.id = "a"}, {.id = "b"}};

  EXPECT_EQ(assign_uniform(problem), (SlotLists{{}, {}}));
  EXPECT_EQ(assign_uniform(AssignmentProblem{}), SlotLists{});
}

/// Of each topic every subscriber has neighbours, as many as any other but for one, in the order static members first.
void expect_ranges(const Group::Owned& owned) {
  for (const auto& [id, partitions] : owned) {
    for (auto at = partitions.begin(); at != partitions.end(); ++at) {
      const auto next = std::next(at);
      const bool goes_on = next == partitions.end() || next->first != at->first || next->second == at->second + 1;
      EXPECT_TRUE(goes_on) << id << " " << at->first << "-" << at->second;
    }
  }
}

TEST(RangeAssignor, GivesNeighboursAndAllOfThem) {
  for (unsigned seed = 0; seed < 200 && !testing::Test::HasFailure(); ++seed) {
    std::mt19937 random(seed);
    Group group;
    fill_topics(group, random);
    for (int round = 0; round < 6; ++round) {
      change_at_random(group, random, false);

      group.assign(assign_range);

      SCOPED_TRACE("seed " + std::to_string(seed));
      group.expect_whole();
      expect_ranges(group.owned());
    }
  }
}

TEST(RangeAssignor, GivesTheSameNumbersOfTopicsOfOneSize) {
  Group group;
  group.topic("x", 5);
  group.topic("y", 5);
  group.member("a", {"x", "y"});
  group.member("b", {"x", "y"});

  group.assign(assign_range);

  EXPECT_EQ(group.owned(), (Group::Owned{{"a", {{"x", 0}, {"x", 1}, {"x", 2}, {"y", 0}, {"y", 1}, {"y", 2}}},
                                         {"b", {{"x", 3}, {"x", 4}, {"y", 3}, {"y", 4}}}}));
}

TEST(RangeAssignor, GoesByInstanceIdsWhereThereAreSome) {
  Group group;
  group.topic("t", 3);
  group.member("a", {"t"});
  group.member("b", {"t"}, "second");
  group.member("c", {"t"}, "first");

  group.assign(assign_range);

  EXPECT_EQ(group.owned(), (Group::Owned{{"a", {{"t", 2}}}, {"b", {{"t", 1}}}, {"c", {{"t", 0}}}}));
}

}  // namespace
}  // namespace tidelog::broker
