#include "storage/compaction/offset_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace tidelog::testing {
namespace {

using storage::OffsetMap;

constexpr HashSecret kSecret{0x0706050403020100, 0x0f0e0d0c0b0a0908};

Bytes key_of(const std::string& text) { return std::as_bytes(std::span(text)); }

Hash128 hash_of_first(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i);
  return sip_hash(kSecret, bytes);
}

// The vectors that the authors of SipHash publish for 128 bits: key 00..0f, input 00, 01, 02 ...
TEST(SipHash, IsTheReferencesOwn) {
  EXPECT_EQ(hash_of_first(0), (Hash128{0xe6a825ba047f81a3, 0x930255c71472f66d}));
  EXPECT_EQ(hash_of_first(1), (Hash128{0x44af996bd8c187da, 0x45fc229b11597634}));
  EXPECT_EQ(hash_of_first(7), (Hash128{0x53c1dbd8beebf1a1, 0x3982f01fa64ab8c0}));
  EXPECT_EQ(hash_of_first(8), (Hash128{0x61f55862baa9623b, 0xb49714f364e2830f}));
  EXPECT_EQ(hash_of_first(33), (Hash128{0x321cf0467107c677, 0xcfffa94e5f9db6b6}));
}

TEST(OffsetMap, KnowsTheNewestOffsetOfEachKey) {
  OffsetMap map(1U << 16, 1000, 0.9, kSecret);
  map.reset({100});

  EXPECT_TRUE(map.put(key_of("a"), {100}));
  EXPECT_TRUE(map.put(key_of("b"), {101}));
  EXPECT_TRUE(map.put(key_of("a"), {105}));

  EXPECT_EQ(map.find(key_of("a")), Offset{105});
  EXPECT_EQ(map.find(key_of("b")), Offset{101});
  EXPECT_EQ(map.find(key_of("")), std::nullopt);
  EXPECT_EQ(map.size(), 2U);
}

TEST(OffsetMap, SaysWhenItIsFull) {
  OffsetMap map(10 * OffsetMap::kSlotBytes, 1000, 0.5, kSecret);
  map.reset({0});
  ASSERT_EQ(map.capacity(), 5U);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(map.put(key_of(std::to_string(i)), {i}));

  EXPECT_FALSE(map.put(key_of("one too many"), {5}));
  EXPECT_TRUE(map.put(key_of("3"), {6})) << "it is there already";

  EXPECT_EQ(map.find(key_of("one too many")), std::nullopt);
  EXPECT_EQ(map.find(key_of("3")), Offset{6});
  map.reset({7});
  EXPECT_EQ(map.find(key_of("3")), std::nullopt);
  EXPECT_TRUE(map.put(key_of("one too many"), {7}));
}

TEST(OffsetMap, HasRoomForOneKeyWhateverItIsGiven) {
  OffsetMap map(0, 0, 0.0, kSecret);
  map.reset({0});
  EXPECT_TRUE(map.put(key_of("a"), {0}));
  EXPECT_FALSE(map.put(key_of("b"), {1}));
  EXPECT_EQ(map.find(key_of("b")), std::nullopt);
}

TEST(OffsetMap, RefusesOffsetsThatItCannotHold) {
  OffsetMap map(1U << 16, 1000, 0.9, kSecret);
  map.reset({10});
  constexpr std::int64_t kLast = 0xffff'fffe;
  EXPECT_FALSE(map.put(key_of("a"), {10 + kLast + 1}));
  EXPECT_EQ(map.find(key_of("a")), std::nullopt);
  EXPECT_TRUE(map.put(key_of("a"), {10 + kLast}));
  EXPECT_EQ(map.find(key_of("a")), Offset{10 + kLast});
}

TEST(OffsetMap, TakesAtMostSixteenBytesForAKey) {
  OffsetMap map(1U << 20, 1U << 30, 0.9, kSecret);
  EXPECT_LE(static_cast<double>(map.memory_bytes()) / static_cast<double>(map.capacity()), 16.0);
  EXPECT_LE(map.memory_bytes(), 1U << 20);
}

TEST(OffsetMap, TakesNoMoreThanItsKeysNeed) {
  EXPECT_LE(OffsetMap(128U << 20, 100, 0.9, kSecret).memory_bytes(), 2000U);
  EXPECT_GE(OffsetMap(128U << 20, 100, 0.9, kSecret).capacity(), 100U);
}

TEST(OffsetMap, AgreesWithAPlainMap) {
  std::mt19937_64 random(1);
  OffsetMap map(200 * OffsetMap::kSlotBytes, 1U << 30, 0.95, kSecret);
  std::map<std::string, Offset> plain;
  map.reset({0});
  for (std::int64_t offset = 0; offset < 20'000; ++offset) {
    const std::string key = std::to_string(random() % 300);
    const bool fits = plain.contains(key) || plain.size() < map.capacity();
    ASSERT_EQ(map.put(key_of(key), {offset}), fits);
    if (fits) plain[key] = {offset};
  }
  for (int i = 0; i < 300; ++i) {
    const std::string key = std::to_string(i);
    const auto known = plain.find(key);
    ASSERT_EQ(map.find(key_of(key)), known == plain.end() ? std::nullopt : std::optional(known->second));
  }
}

}  // namespace
}  // namespace tidelog::testing
