#include "storage/log/damage.h"

#include "storage/log/kept_aside.h"

#include <gtest/gtest.h>

namespace tidelog::storage {
namespace {

DamagedRange range(std::int64_t from, std::int64_t to, std::int64_t base = 0) {
  return {.from = {from},
          .to = {to},
          .segment_base = {base},
          .position = static_cast<std::uint64_t>(from) * 100,
          .end_position = static_cast<std::uint64_t>(to) * 100};
}

TEST(Damage, FindsTheRangeThatHoldsAnOffsetOrTheNext) {
  Damage damage;
  EXPECT_TRUE(damage.add(range(20, 30)));
  EXPECT_TRUE(damage.add(range(5, 7)));

  EXPECT_EQ(*damage.at_or_after({0}), range(5, 7));
  EXPECT_EQ(*damage.at_or_after({6}), range(5, 7));
  EXPECT_EQ(*damage.at_or_after({7}), range(20, 30));
  EXPECT_EQ(damage.at_or_after({30}), nullptr);
}

TEST(Damage, JoinsWhatOverlapsAndKeepsNeighboursApart) {
  Damage damage;
  damage.add(range(5, 7));
  damage.add(range(7, 9));
  EXPECT_EQ(damage.ranges().size(), 2U);

  EXPECT_TRUE(damage.add(range(4, 8)));
  EXPECT_FALSE(damage.add(range(5, 6)));
  EXPECT_FALSE(damage.add(range(6, 6)));

  ASSERT_EQ(damage.ranges().size(), 1U);
  EXPECT_EQ(damage.ranges().front(), range(4, 9));
}

TEST(Damage, ReadsBackWhatItWroteAndNothingElse) {
  Damage damage;
  damage.add(range(5, 7));
  damage.add(range(20, 30, 10));
  const std::string text = damage.encode();

  const Result<Damage> again = Damage::decode(text);

  EXPECT_EQ(text, "0\n2\n5 7 0 500 700\n20 30 10 2000 3000\n");
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, damage);
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(Damage::decode(text.substr(0, size))) << size;
  for (const char* bad :
       {"1\n0\n", "0\n1\n7 5 0 1 2\n", "0\n1\n5 7 0 2 1\n", "0\n1\n-5 7 0 1 2\n", "0\n2\n5 7 0 1 2\n6 8 0 3 4\n", "0\n0\nx"}) {
    EXPECT_FALSE(Damage::decode(bad)) << bad;
  }
}

TEST(Damage, ForgetsWhatLiesBelowTheLogStart) {
  Damage damage;
  damage.add(range(5, 7));
  damage.add(range(20, 30));

  EXPECT_FALSE(damage.forget_below({6}));
  EXPECT_TRUE(damage.forget_below({7}));

  EXPECT_EQ(damage.ranges().size(), 1U);
}

TEST(Damage, ForgetsWhatLiesBehindTheLogEnd) {
  Damage damage;
  damage.add({.from = {10}, .to = {20}, .segment_base = {0}});
  damage.add({.from = {30}, .to = {40}, .segment_base = {0}});

  EXPECT_FALSE(damage.forget_from({40}));
  EXPECT_EQ(damage.ranges().size(), 2U);
  EXPECT_TRUE(damage.forget_from({30}));
  EXPECT_EQ(damage.ranges().size(), 1U);
  EXPECT_TRUE(damage.forget_from({15}));
  EXPECT_EQ(damage.at_or_after({0})->to, Offset{15});
}

TEST(Damage, SaysWhereItIs) {
  EXPECT_EQ(describe("d", range(5, 7)), "d/00000000000000000000.log: offsets 5 to 6 are damaged, position 500 to 700");
  EXPECT_EQ(describe("d", {.from = {5}, .to = {7}, .segment_base = {0}, .position = 9, .end_position = 9}),
            "d/00000000000000000000.log: offsets 5 to 6 are missing at position 9");
}

TEST(KeptAside, IsNamedBySegmentPositionAndTime) {
  const KeptAside what{.segment_base = {12}, .position = 345, .since = {1'700'000'000'000}};
  const std::string path = kept_aside_path("d", what);

  EXPECT_EQ(path, "d/00000000000000000012.log.345-1700000000000.cut");
  EXPECT_EQ(parse_kept_aside(path.substr(2)), what);
  for (const char* other : {"00000000000000000012.log", "00000000000000000012.log.cut", "00000000000000000012.log.x-1.cut",
                            "00000000000000000012.log.1-2.cut.cut", "12.log.1-2.cut", "00000000000000000012.log.1-2.deleted"}) {
    EXPECT_FALSE(parse_kept_aside(other)) << other;
  }
}

}  // namespace
}  // namespace tidelog::storage
