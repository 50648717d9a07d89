// Hashes of what strangers choose.
#include "proto/base/types.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace tidelog {
namespace {

template <class Table>
std::size_t longest_bucket(const Table& table) {
  std::size_t longest = 0;
  for (std::size_t bucket = 0; bucket < table.bucket_count(); ++bucket) longest = std::max(longest, table.bucket_size(bucket));
  return longest;
}

// Whoever knows how large a table is would have all of these in one bucket, were the number its own hash.
TEST(KeyedHash, NumbersAsFarApartAsATableIsLargeSpreadOverIt) {
  constexpr std::int64_t kKeys = 1000;
  std::unordered_set<std::int64_t, KeyedHasher> table(kKeys);
  const auto buckets = static_cast<std::int64_t>(table.bucket_count());

  for (std::int64_t i = 0; i < kKeys; ++i) table.insert(i * buckets);

  EXPECT_EQ(static_cast<std::int64_t>(table.bucket_count()), buckets);
  EXPECT_LT(longest_bucket(table), 20U);
}

TEST(KeyedHash, PartitionsAsFarApartAsATableIsLargeSpreadOverIt) {
  constexpr std::int32_t kKeys = 1000;
  std::unordered_map<TopicPartition, int> table(kKeys);
  const auto buckets = static_cast<std::int32_t>(table.bucket_count());

  for (std::int32_t i = 0; i < kKeys; ++i) table.emplace(TopicPartition{.topic_id = {}, .partition = {i * buckets}}, 0);

  EXPECT_EQ(static_cast<std::int32_t>(table.bucket_count()), buckets);
  EXPECT_LT(longest_bucket(table), 20U);
}

TEST(KeyedHash, EveryByteAndTheLengthOfATextCount) {
  std::unordered_set<std::uint64_t> seen;
  std::string text;
  for (int length = 0; length <= 40; ++length, text.push_back('\0')) {
    EXPECT_TRUE(seen.insert(KeyedHash::of(text)).second) << "only zeros, " << length;
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::string other = text;
      other[at] = 1;
      EXPECT_TRUE(seen.insert(KeyedHash::of(other)).second) << "length " << length << ", changed at " << at;
    }
  }
}

TEST(KeyedHash, AnotherSecretMakesOtherHashes) {
  const KeyedHash::Secret before = KeyedHash::secret();
  const std::uint64_t of_number = KeyedHash::of(7, 8);
  const std::uint64_t of_text = KeyedHash::of("topic");

  KeyedHash::set_secret({1, 2, 3, 4});
  const std::uint64_t now_of_number = KeyedHash::of(7, 8);
  const std::uint64_t now_of_text = KeyedHash::of("topic");
  KeyedHash::set_secret(before);

  EXPECT_NE(of_number, now_of_number);
  EXPECT_NE(of_text, now_of_text);
  EXPECT_EQ(KeyedHash::of(7, 8), of_number);
}

}  // namespace
}  // namespace tidelog
