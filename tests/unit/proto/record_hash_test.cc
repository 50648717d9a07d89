#include "proto/record/crc32c.h"
#include "proto/record/murmur2.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

namespace tidelog::proto {
namespace {

TEST(Crc32c, MatchesEveryVector) {
  const std::vector<test::Json> vectors = test::load_lines("crc32c.jsonl");

  ASSERT_EQ(vectors.size(), 65u);
  for (const test::Json& vector : vectors) {
    const std::vector<std::byte> bytes = test::from_hex(vector["bytes"].get<std::string>());
    EXPECT_EQ(crc32c(bytes), vector["crc32c"].get<std::uint32_t>()) << vector["bytes"];
  }
}

TEST(Crc32c, IsTheSameInPiecesOfAnySize) {
  const std::vector<std::byte> bytes = test::noise(2000, 7);
  const std::uint32_t whole = crc32c(bytes);

  for (std::size_t cut = 0; cut <= bytes.size(); cut += 13) {
    const std::uint32_t front = crc32c(Bytes(bytes).first(cut));
    EXPECT_EQ(crc32c_extend(front, Bytes(bytes).subspan(cut)), whole) << cut;
  }
}

TEST(Crc32c, IsTheSameOnEitherSideOfTheSizeWhereTheWayChanges) {
  const std::vector<std::byte> bytes = test::noise(300, 8);

  for (std::size_t size = 240; size <= 272; ++size) {
    std::uint32_t by_byte = 0;
    for (std::size_t i = 0; i < size; ++i) by_byte = crc32c_extend(by_byte, Bytes(bytes).subspan(i, 1));
    EXPECT_EQ(crc32c(Bytes(bytes).first(size)), by_byte) << size;
  }
}

TEST(Murmur2, MatchesEveryVectorAndItsPartitions) {
  const std::vector<test::Json> vectors = test::load_lines("murmur2.jsonl");

  ASSERT_EQ(vectors.size(), 64u);
  for (const test::Json& vector : vectors) {
    const std::uint32_t hash = murmur2(test::from_hex(vector["key"].get<std::string>()));
    EXPECT_EQ(static_cast<std::int32_t>(hash), vector["hash"].get<std::int32_t>()) << vector["key"];
    for (const auto& [count, partition] : vector["partition"].items()) {
      EXPECT_EQ((hash & 0x7fffffff) % std::stoul(count), partition.get<std::uint32_t>()) << vector["key"] << " of " << count;
    }
  }
}

}  // namespace
}  // namespace tidelog::proto
