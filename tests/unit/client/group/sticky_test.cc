#include "client/group/sticky.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <random>
#include <set>

namespace tidelog::core {
namespace {

using Owned = std::vector<topic_partition>;
using Counts = std::vector<std::size_t>;

Candidate member(std::string id, std::vector<std::string> topics, Owned owned = {}, std::int32_t generation = 1) {
  Subscription subscription{.topics = std::move(topics), .owned = std::move(owned), .generation = generation};
  return {.id = std::move(id), .instance_id = {}, .subscription = std::move(subscription)};
}

std::string text(const Owned& partitions) {
  std::string all;
  for (const topic_partition& each : partitions) all += (all.empty() ? "" : " ") + each.topic() + std::to_string(each.partition());
  return all;
}

Assignments share(const std::vector<Candidate>& members, const PartitionCounts& counts) {
  return share_out(Assignor::cooperative_sticky, members, counts);
}

TEST(StickyAssignor, DealsOutWhatNobodyHas) {
  const Assignments shared = share({member("b", {"t"}), member("a", {"t"})}, {{"t", 3}});

  EXPECT_EQ(text(shared.at("a")), "t0 t2");
  EXPECT_EQ(text(shared.at("b")), "t1");
}

TEST(StickyAssignor, TakesFromTheOwnerInOneGenerationAndGivesInTheNext) {
  const Owned all{{"t", 0}, {"t", 1}, {"t", 2}, {"t", 3}};

  const Assignments first = share({member("a", {"t"}, all), member("b", {"t"})}, {{"t", 4}});
  const Assignments second = share({member("a", {"t"}, first.at("a"), 2), member("b", {"t"}, {}, 2)}, {{"t", 4}});

  EXPECT_EQ(text(first.at("a")), "t2 t3");
  EXPECT_EQ(text(first.at("b")), "");
  EXPECT_EQ(text(second.at("a")), "t2 t3");
  EXPECT_EQ(text(second.at("b")), "t0 t1");
}

TEST(StickyAssignor, WhatALostMemberHadGoesToTheOthersAtOnce) {
  const Assignments shared = share({member("a", {"t"}, {{"t", 1}}), member("c", {"t"}, {{"t", 4}})}, {{"t", 6}});

  EXPECT_EQ(text(shared.at("a")), "t0 t1 t3");
  EXPECT_EQ(text(shared.at("c")), "t2 t4 t5");
}

TEST(StickyAssignor, BelievesTheLaterGeneration) {
  const Assignments shared = share({member("a", {"t"}, {{"t", 0}}, 4), member("b", {"t"}, {{"t", 0}}, 5)}, {{"t", 1}});

  EXPECT_EQ(text(shared.at("a")), "");
  EXPECT_EQ(text(shared.at("b")), "t0");
}

TEST(StickyAssignor, BelievesNeitherOfTwoOfTheSameGeneration) {
  const std::vector<Candidate> both{member("a", {"t"}, {{"t", 0}}, 5), member("b", {"t"}, {{"t", 0}}, 5), member("c", {"t"}, {}, 5)};

  const Assignments shared = share(both, {{"t", 1}});

  for (const auto& [id, partitions] : shared) EXPECT_EQ(text(partitions), "") << id;
}

TEST(StickyAssignor, TakesNoHarmFromWhatIsNotThere) {
  const Owned strange{{"t", -1}, {"t", 9}, {"gone", 0}, {"t", 0}, {"t", 0}};

  const Assignments shared = share({member("a", {"t", "t", "gone"}, strange), member("b", {})}, {{"t", 1}});

  EXPECT_EQ(text(shared.at("a")), "t0");
  EXPECT_EQ(text(shared.at("b")), "");
}

TEST(StickyAssignor, HandsOnOverSeveralMembersWhereNobodyCanGiveDirectly) {
  const std::vector<Candidate> members{member("a", {"t"}, {{"t", 0}, {"t", 1}, {"t", 2}}), member("b", {"t", "u"}, {{"u", 0}, {"u", 1}}),
                                       member("c", {"u"}, {})};

  const Assignments shared = share(members, {{"t", 3}, {"u", 2}});

  EXPECT_EQ(shared.at("a").size(), 2U);
  EXPECT_EQ(shared.at("b").size(), 1U);  // It has one yet to get from a, and c one from it.
  EXPECT_EQ(shared.at("c").size(), 0U);
}

/// A group of random members that come and go, as its leader sees it.
class RandomGroup {
 public:
  explicit RandomGroup(std::uint32_t seed, bool is_equal) : random_(seed), is_equal_(is_equal) {
    for (const char* topic : {"t", "u", "v"}) counts[topic] = static_cast<std::int32_t>(below(is_equal ? 12 : 3));
  }

  void come_and_go() {
    std::erase_if(members, [this](const Candidate&) { return below(4) == 0; });
    for (std::uint32_t coming = below(3) + (members.empty() ? 1 : 0); coming > 0 && members.size() < 4; --coming)
      members.push_back(member("m" + std::to_string(below(1'000'000)), topics(), {}, -1));
    if (below(3) == 0) counts["t"] += 1;
  }
  /// Everybody follows what the leader has said.
  Assignments rebalance() {
    const Assignments shared = share(members, counts);
    ++generation_;
    for (Candidate& each : members) {
      each.subscription.owned = shared.at(each.id);
      each.subscription.generation = generation_;
    }
    return shared;
  }

  std::vector<Candidate> members;
  PartitionCounts counts;

 private:
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
  std::vector<std::string> topics() {
    std::vector<std::string> some;
    for (const char* topic : {"t", "u", "v"}) {
      if (is_equal_ || below(2) == 0) some.emplace_back(topic);
    }
    return some;
  }

  std::mt19937 random_;
  bool is_equal_;
  std::int32_t generation_ = 1;
};

bool has(const Owned& partitions, const topic_partition& where) { return std::ranges::find(partitions, where) != partitions.end(); }

/// What holds of every answer, whatever was claimed.
void expect_sound(const std::vector<Candidate>& before, const Assignments& shared, const PartitionCounts& counts) {
  std::set<topic_partition> given;
  for (const Candidate& each : before) {
    for (const topic_partition& where : shared.at(each.id)) {
      EXPECT_TRUE(given.insert(where).second) << "twice";
      EXPECT_LT(where.partition(), counts.at(where.topic()));
      EXPECT_NE(std::ranges::find(each.subscription.topics, where.topic()), each.subscription.topics.end()) << "not wanted";
      for (const Candidate& other : before)
        EXPECT_TRUE(other.id == each.id || !has(other.subscription.owned, where)) << "another one reads it";
    }
  }
}

std::size_t wanted_partitions(const RandomGroup& group) {
  std::set<std::string> wanted;
  for (const Candidate& each : group.members) wanted.insert(each.subscription.topics.begin(), each.subscription.topics.end());
  std::size_t all = 0;
  for (const std::string& topic : wanted) all += static_cast<std::size_t>(group.counts.at(topic));
  return all;
}

Counts sizes(const Assignments& shared) {
  Counts all;
  for (const auto& [id, partitions] : shared) all.push_back(partitions.size());
  return all;
}

std::size_t sum(const Counts& counts) { return std::accumulate(counts.begin(), counts.end(), std::size_t{0}); }

/// The most that can stay where it is, if counts are to differ by one at most: those that have most get the larger shares.
std::size_t most_that_can_stay(const std::vector<Candidate>& members, std::size_t partitions) {
  Counts owned;
  for (const Candidate& each : members) owned.push_back(each.subscription.owned.size());
  std::ranges::sort(owned, std::greater());
  std::size_t stays = 0;
  for (std::size_t i = 0; i < owned.size(); ++i)
    stays += std::min(owned[i], partitions / owned.size() + (i < partitions % owned.size() ? 1 : 0));
  return stays;
}

std::size_t kept(const std::vector<Candidate>& before, const Assignments& shared) {
  std::size_t all = 0;
  for (const Candidate& each : before) {
    for (const topic_partition& where : each.subscription.owned) all += has(shared.at(each.id), where) ? 1 : 0;
  }
  return all;
}

/// Two generations after somebody came or went, checked as far as it holds of every group.
struct TwoGenerations {
  explicit TwoGenerations(RandomGroup& group) : before(group.members), first(group.rebalance()) {
    expect_sound(before, first, group.counts);
    const std::vector<Candidate> between = group.members;
    second = group.rebalance();
    expect_sound(between, second, group.counts);
    EXPECT_EQ(sum(sizes(second)), wanted_partitions(group));
    EXPECT_EQ(kept(between, second), sum(sizes(first))) << "something moved twice";
    EXPECT_EQ(group.rebalance(), second) << "something moves although nothing changed";
  }
  std::vector<Candidate> before;
  Assignments first;
  Assignments second;
};

/// Has many groups live through `rounds` of coming and going; `check` sees each of them.
void for_many_groups(bool is_equal, std::uint32_t rounds, const std::function<void(RandomGroup&)>& check) {
  std::optional<RandomGroup> group;
  for (std::uint32_t run = 0; run < 2000; ++run) {
    const std::uint32_t seed = run / rounds;
    if (run % rounds == 0) group.emplace(seed, is_equal);
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(run % rounds));
    group->come_and_go();
    if (!group->members.empty()) check(*group);
  }
}

TEST(StickyAssignor, IsBalancedAndAsStickyAsBalanceAllowsForAnyHistory) {
  for_many_groups(true, 6, [](RandomGroup& group) {
    const TwoGenerations generations(group);

    EXPECT_EQ(kept(generations.before, generations.first), most_that_can_stay(generations.before, wanted_partitions(group)));
    const Counts counts = sizes(generations.second);
    EXPECT_LE(std::ranges::max(counts) - std::ranges::min(counts), 1U);
  });
}

std::size_t unevenness(const Counts& counts) { return std::inner_product(counts.begin(), counts.end(), counts.begin(), std::size_t{0}); }

std::set<Counts> with_one_more(const std::set<Counts>& reachable, const std::vector<std::size_t>& wanting) {
  std::set<Counts> next;
  for (const Counts& some : reachable) {
    for (const std::size_t i : wanting) {
      Counts more = some;
      ++more[i];
      next.insert(std::move(more));
    }
  }
  return next;
}

/// Of every assignment there is, the least uneven.
std::size_t least_uneven(const std::vector<Candidate>& members, const PartitionCounts& counts) {
  std::set<Counts> reachable{Counts(members.size(), 0)};
  for (const auto& [topic, count] : counts) {
    std::vector<std::size_t> wanting;
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (std::ranges::find(members[i].subscription.topics, topic) != members[i].subscription.topics.end()) wanting.push_back(i);
    }
    for (std::int32_t left = wanting.empty() ? 0 : count; left > 0; --left) reachable = with_one_more(reachable, wanting);
  }
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const Counts& some : reachable) least = std::min(least, unevenness(some));
  return least;
}

TEST(StickyAssignor, NothingIsMoreEvenWhereMembersWantDifferentTopics) {
  for_many_groups(false, 4, [](RandomGroup& group) {
    const TwoGenerations generations(group);

    EXPECT_EQ(unevenness(sizes(generations.second)), least_uneven(group.members, group.counts));
  });
}

/// Says that it has anything, be it true or not.
Candidate boaster(const std::string& id, const PartitionCounts& counts, std::mt19937& random) {
  Candidate made = member(id, {}, {}, static_cast<std::int32_t>(random() % 3));
  for (const auto& [topic, count] : counts) {
    if (random() % 2 == 0) made.subscription.topics.push_back(topic);
    for (std::int32_t partition = 0; partition < count; ++partition) {
      if (random() % 3 == 0) made.subscription.owned.emplace_back(topic, partition);
    }
  }
  return made;
}

/// Whether nobody but a member of an earlier generation says that it has what this one is to read.
bool is_free(const Candidate& reader, const topic_partition& where, const std::vector<Candidate>& members) {
  return std::ranges::none_of(members, [&](const Candidate& other) {
    if (other.id == reader.id || !has(other.subscription.owned, where)) return false;
    return !has(reader.subscription.owned, where) || other.subscription.generation >= reader.subscription.generation;
  });
}

TEST(StickyAssignor, IsSoundWhateverIsClaimed) {
  std::mt19937 random(7);
  const PartitionCounts counts{{"t", 5}, {"u", 3}};
  for (int run = 0; run < 2000; ++run) {
    std::vector<Candidate> members;
    for (const char* id : {"a", "b", "c", "d"}) members.push_back(boaster(id, counts, random));

    const Assignments shared = share(members, counts);

    std::set<topic_partition> given;
    for (const Candidate& each : members) {
      for (const topic_partition& where : shared.at(each.id))
        EXPECT_TRUE(given.insert(where).second && is_free(each, where, members)) << "run " << run;
    }
  }
}

}  // namespace
}  // namespace tidelog::core
