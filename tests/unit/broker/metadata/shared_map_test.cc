#include "broker/metadata/shared_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <string_view>

namespace tidelog::broker {
namespace {

using Map = SharedMap<std::string, int>;

std::map<std::string, int> contents(const Map& map) {
  std::map<std::string, int> all;
  for (const auto& [key, value] : map) EXPECT_TRUE(all.emplace(key, value).second);
  return all;
}

TEST(SharedMap, FindsByAView) {
  Map map;
  map.insert_or_assign("b", 2);
  map.insert_or_assign("a", 1);

  EXPECT_EQ(*map.find(std::string_view("a")), 1);
  EXPECT_EQ(map.find(std::string_view("c")), nullptr);
  EXPECT_EQ(map.find(std::string_view("")), nullptr);
  EXPECT_EQ(Map().find(std::string_view("a")), nullptr);
}

TEST(SharedMap, GoesThroughKeysInOrder) {
  Map map;
  for (int i = 999; i >= 0; --i) map.insert_or_assign(std::to_string(i), i);

  std::string last;
  std::size_t seen = 0;
  for (const auto& [key, value] : map) {
    EXPECT_LT(last, key);
    last = key;
    ++seen;
  }
  EXPECT_EQ(seen, 1000U);
}

TEST(SharedMap, AgreesWithAPlainMapAfterAnyChanges) {
  std::mt19937 random(7);
  Map map;
  std::map<std::string, int> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::string key = std::to_string(random() % 1500);
    // Growing first, then shrinking to nearly nothing, so that chunks split and merge.
    if (random() % 10 < (step < 10'000 ? 8U : 2U)) {
      map.insert_or_assign(key, step);
      model.insert_or_assign(key, step);
    } else {
      map.erase(key);
      model.erase(key);
    }
    ASSERT_EQ(map.size(), model.size());
    ASSERT_EQ(map.find(key) != nullptr, model.contains(key));
    if (step % 500 == 0) ASSERT_EQ(contents(map), model);
  }
  EXPECT_EQ(contents(map), model);
}

TEST(SharedMap, FindsTheFirstEntryNotBelowAKey) {
  Map map;
  std::map<std::string, int> model;
  EXPECT_EQ(map.lower_bound("a"), map.end());
  for (int i = 0; i < 1000; i += 3) {
    map.insert_or_assign(std::to_string(i), i);
    model.emplace(std::to_string(i), i);
  }

  for (int i = 0; i < 1000; ++i) {
    const auto found = map.lower_bound(std::string_view(std::to_string(i)));
    const auto expected = model.lower_bound(std::to_string(i));
    ASSERT_EQ(found == map.end(), expected == model.end()) << i;
    if (expected != model.end()) EXPECT_EQ(found->first, expected->first);
  }
  EXPECT_EQ(map.lower_bound(std::string_view("")), map.begin());
  EXPECT_EQ(map.lower_bound(std::string_view("zzz")), map.end());
}

TEST(SharedMap, BecomesEmptyAndFillsAgain) {
  Map map;
  map.insert_or_assign("a", 1);
  map.erase("a");
  const bool was_empty = map.empty() && map.begin() == map.end();
  map.insert_or_assign("b", 2);

  EXPECT_TRUE(was_empty);
  EXPECT_EQ(contents(map), (std::map<std::string, int>{{"b", 2}}));
}

TEST(SharedMap, KeepsChangesFromItsCopies) {
  Map map;
  for (int i = 0; i < 500; ++i) map.insert_or_assign(std::to_string(i), i);
  const Map copy = map;
  const std::map<std::string, int> before = contents(copy);

  for (int i = 0; i < 500; i += 2) map.erase(std::to_string(i));
  map.insert_or_assign("1", -1);

  EXPECT_EQ(contents(copy), before);
  EXPECT_EQ(map.size(), 250U);
}

}  // namespace
}  // namespace tidelog::broker
