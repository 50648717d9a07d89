#include "storage/key_value/applied_mark.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::testing {
namespace {

using storage::AppliedMark;
using storage::decode_applied_mark;
using storage::encode_applied_mark;
using storage::EntrySum;

const AppliedMark kMark{.log_id = 0x0102030405060708,
                        .point = {.next_offset = {1000}, .epoch = {7}, .batch_crc = 0xdeadbeef},
                        .entries = {3, 0x1122334455667788}};

TEST(AppliedMark, IsReadAsItWasWritten) { EXPECT_EQ(*decode_applied_mark(encode_applied_mark(kMark)), kMark); }

TEST(AppliedMark, KeepsItsBytes) {
  const std::string expected(
      "\x01"
      "\x01\x02\x03\x04\x05\x06\x07\x08"
      "\x00\x00\x00\x00\x00\x00\x03\xe8"
      "\x00\x00\x00\x07"
      "\xde\xad\xbe\xef"
      "\x00\x00\x00\x00\x00\x00\x00\x03"
      "\x11\x22\x33\x44\x55\x66\x77\x88",
      41);

  EXPECT_EQ(encode_applied_mark(kMark).substr(0, 41), expected);
}

TEST(AppliedMark, IsRefusedWithAnyBitFlipped) {
  const std::string good = encode_applied_mark(kMark);
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_applied_mark(bad)) << "bit " << bit;
  }
}

TEST(AppliedMark, IsRefusedInAnyOtherLength) {
  const std::string good = encode_applied_mark(kMark);
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_EQ(decode_applied_mark(good.substr(0, size)).error(), Errc::corrupt);
  EXPECT_EQ(decode_applied_mark(good + "x").error(), Errc::corrupt);
}

TEST(EntrySum, DoesNotDependOnTheOrder) {
  EntrySum one;
  one.add("a", "1");
  one.add("b", "2");
  EntrySum other;
  other.add("b", "2");
  other.add("a", "1");

  EXPECT_EQ(one, other);
  EXPECT_EQ(one.count(), 2U);
}

TEST(EntrySum, ForgetsWhatWasRemoved) {
  EntrySum sum;
  sum.add("a", "1");
  sum.add("b", "2");
  sum.remove("a", "1");
  EntrySum rest;
  rest.add("b", "2");

  EXPECT_EQ(sum, rest);
}

TEST(EntrySum, TellsEntriesApart) {
  const auto sum_of = [](const std::vector<std::pair<std::string, std::string>>& entries) {
    EntrySum sum;
    for (const auto& [key, value] : entries) sum.add(key, value);
    return sum;
  };

  EXPECT_NE(sum_of({{"a", "1"}}), sum_of({{"a", "2"}}));
  EXPECT_NE(sum_of({{"a", "1"}}), sum_of({{"b", "1"}}));
  EXPECT_NE(sum_of({{"a", "1"}}), sum_of({}));
  EXPECT_NE(sum_of({{"", ""}}), sum_of({}));
  // Bytes that only moved from a key to its value, and values that changed places.
  EXPECT_NE(sum_of({{"ab", "c"}}), sum_of({{"a", "bc"}}));
  EXPECT_NE(sum_of({{"a", "1"}, {"b", "2"}}), sum_of({{"a", "2"}, {"b", "1"}}));
}

// Sums are stored: a process of another version counts the same.
TEST(EntrySum, StaysTheSameForEver) {
  EntrySum sum;
  sum.add("key", "value");

  EXPECT_EQ(sum.hashes(), 0xaed92a3be21816ae);
}

}  // namespace
}  // namespace tidelog::testing
