#include "broker/group/reconciliation.h"

#include <gtest/gtest.h>

// Every row of the table above `reconcile`.

namespace tidelog::broker {
namespace {

using enum MemberState;

constexpr std::int32_t kMine = 4;    ///< The member's epoch.
constexpr std::int32_t kTarget = 6;  ///< The target's.

TopicPartition partition(std::int32_t n) { return {Uuid{}, {n}}; }

PartitionSet set(std::initializer_list<std::int32_t> numbers) {
  PartitionSet set;
  for (const std::int32_t n : numbers) set.push_back(partition(n));
  return set;
}

HeldPartitions held(std::initializer_list<std::pair<std::int32_t, std::int32_t>> numbers_since) {
  HeldPartitions held;
  for (const auto& [n, since] : numbers_since) held.push_back({partition(n), since});
  return held;
}

/// A member at epoch 4 that has partitions 1 and 2, of which it gives up what `pending` says.
MemberAssignment member(MemberState state, HeldPartitions pending = {}) {
  return {.epoch = kMine, .previous_epoch = 3, .state = state, .assigned = held({{1, 2}, {2, 4}}), .pending = std::move(pending)};
}

struct Given {
  MemberAssignment current;
  PartitionSet target;
  std::optional<PartitionSet> owned{};
  PartitionSet others{};
  std::int32_t target_epoch = kTarget;
  bool is_cut = false;
};

Result<MemberAssignment, ErrorCode> after(const Given& given) {
  const std::function<bool(const TopicPartition&)> is_free = [&](const TopicPartition& one) {
    return !std::ranges::binary_search(given.others, one);
  };
  return reconcile({.current = given.current,
                    .target_epoch = given.target_epoch,
                    .target = given.target,
                    .owned = given.owned ? &*given.owned : nullptr,
                    .is_cut = given.is_cut,
                    .is_free = is_free});
}

MemberAssignment arrived(HeldPartitions assigned, MemberState state = stable) {
  return {.epoch = kTarget, .previous_epoch = kMine, .state = state, .assigned = std::move(assigned), .pending = {}};
}

TEST(Reconcile, LeavesWhoHasArrivedAlone) {
  const MemberAssignment here = member(stable);

  EXPECT_EQ(after({.current = here, .target = set({1, 2}), .target_epoch = kMine}), here);
}

TEST(Reconcile, GivesWhatIsFreeWithTheEpochItCame) {
  EXPECT_EQ(after({.current = member(stable), .target = set({1, 2, 3})}), arrived(held({{1, 2}, {2, 4}, {3, kTarget}})));
}

TEST(Reconcile, KeepsBackWhatIsAnothersStill) {
  EXPECT_EQ(after({.current = member(stable), .target = set({1, 2, 3, 4}), .others = set({4})}),
            arrived(held({{1, 2}, {2, 4}, {3, kTarget}}), unreleased_partitions));
}

TEST(Reconcile, GivesTheRestOnceItIsFree) {
  const MemberAssignment waiting = arrived(held({{1, 2}}), unreleased_partitions);

  EXPECT_EQ(after({.current = waiting, .target = set({1, 4}), .others = set({4})}), waiting);
  EXPECT_EQ(after({.current = waiting, .target = set({1, 4})}), arrived(held({{1, 2}, {4, kTarget}})));
}

TEST(Reconcile, TakesBeforeItGives) {
  MemberAssignment giving_up = member(unrevoked_partitions, held({{2, 4}}));
  giving_up.assigned = held({{1, 2}});

  EXPECT_EQ(after({.current = member(stable), .target = set({1, 3})}), giving_up);
  EXPECT_EQ(after({.current = member(unreleased_partitions), .target = set({1, 3}), .owned = set({1, 2})}), giving_up);
}

TEST(Reconcile, WaitsUntilTheMemberSaysThatItGaveUp) {
  MemberAssignment giving_up = member(unrevoked_partitions, held({{2, 4}}));
  giving_up.assigned = held({{1, 2}});

  EXPECT_EQ(after({.current = giving_up, .target = set({1, 3})}), giving_up);
  EXPECT_EQ(after({.current = giving_up, .target = set({1, 3}), .owned = set({1, 2})}), giving_up);
  EXPECT_EQ(after({.current = giving_up, .target = set({1, 3}), .owned = set({1})}), arrived(held({{1, 2}, {3, kTarget}})));
}

TEST(Reconcile, GoesOnGivingUpWhenTheTargetMovedOnMeanwhile) {
  MemberAssignment giving_up = member(unrevoked_partitions, held({{2, 4}}));
  giving_up.assigned = held({{1, 2}});
  MemberAssignment next = member(unrevoked_partitions, held({{1, 2}}));
  next.assigned = {};

  EXPECT_EQ(after({.current = giving_up, .target = set({3}), .owned = set({1})}), next);
}

TEST(Reconcile, GivesBackWhatIsMeantForItAgainAsNew) {
  MemberAssignment giving_up = member(unrevoked_partitions, held({{2, 4}}));
  giving_up.assigned = held({{1, 2}});

  EXPECT_EQ(after({.current = giving_up, .target = set({1, 2}), .owned = set({1})}), arrived(held({{1, 2}, {2, kTarget}})));
}

TEST(Reconcile, DoesNotAskForWhatTheMemberNeverHeardOf) {
  EXPECT_EQ(after({.current = member(stable), .target = set({1}), .owned = set({1})}), arrived(held({{1, 2}})));
}

TEST(Reconcile, TakesAtOnceWhatAMemberUnsubscribedFrom) {
  MemberAssignment giving_up = member(unrevoked_partitions, held({{2, 4}}));
  giving_up.assigned = held({{1, 2}});

  EXPECT_EQ(after({.current = member(stable), .target = set({1}), .target_epoch = kMine, .is_cut = true}), giving_up);
}

TEST(Reconcile, FencesAStateOfALaterVersion) {
  EXPECT_EQ(after({.current = member(unknown), .target = set({1})}).error(), ErrorCode::fenced_member_epoch);
  EXPECT_EQ(after({.current = member(unknown), .target = set({1}), .owned = set({1})}).error(), ErrorCode::fenced_member_epoch);
  EXPECT_EQ(after({.current = member(unknown), .target = set({1}), .owned = set({})}), arrived(held({{1, 2}})));
}

TEST(MemberAssignment, IsStoredAndReadBack) {
  MemberAssignment all = member(unrevoked_partitions, held({{2, 4}, {7, 1}}));
  all.assigned = {{{Uuid{}, {1}}, 2}, {{Uuid::parse("AAAAAAAAAAAAAAAAAAAAAQ"), {0}}, 3}};

  EXPECT_EQ(from_stored(stored(all)), all);
}

TEST(MemberAssignment, TakesTheMembersEpochWherePartitionsHaveNone) {
  ConsumerCurrentMemberRecord::Value value = stored(member(stable));
  value.assigned_epochs = {{9}};  // Not one for each.

  EXPECT_EQ(from_stored(value).assigned, held({{1, kMine}, {2, kMine}}));
}

}  // namespace
}  // namespace tidelog::broker
