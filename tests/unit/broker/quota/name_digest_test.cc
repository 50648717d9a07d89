#include "broker/quota/name_digest.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace tidelog::broker {
namespace {

/// The bytes 0, 1, 2, ...
std::string counting(std::size_t size) {
  std::string bytes(size, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

constexpr DigestKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

// From the vectors that come with the algorithm.
TEST(NameDigest, IsSipHash) {
  EXPECT_EQ(digest_of("", kKey), (NameDigest{0xe6a825ba047f81a3, 0x930255c71472f66d}));
  EXPECT_EQ(digest_of(counting(1), kKey), (NameDigest{0x44af996bd8c187da, 0x45fc229b11597634}));
  EXPECT_EQ(digest_of(counting(15), kKey), (NameDigest{0x11a8b03399e99354, 0xd9c3cf970fec087e}));
}

TEST(NameDigest, DependsOnTheKey) { EXPECT_NE(digest_of("app", kKey), digest_of("app", DigestKey{1, 2})); }

}  // namespace
}  // namespace tidelog::broker
