#include "broker/net/ip_name.h"

#include <gtest/gtest.h>

namespace tidelog::broker {
namespace {

TEST(CanonicalIp, IsOneSpellingForEachAddress) {
  EXPECT_EQ(canonical_ip("10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(canonical_ip("::ffff:10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(canonical_ip("FD00:0:0:0:0:0:0:7"), "fd00::7");
}

TEST(CanonicalIp, OfWhatIsNoAddressThereIsNone) {
  EXPECT_EQ(canonical_ip("localhost"), std::nullopt);
  EXPECT_EQ(canonical_ip("10.0.0"), std::nullopt);
  EXPECT_EQ(canonical_ip(""), std::nullopt);
}

TEST(CountedIp, IsTheAddressOfIPv4AndTheNetworkOfIPv6) {
  EXPECT_EQ(counted_ip("10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(counted_ip("::ffff:10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(counted_ip("fd00:1:2:3:4:5:6:7"), "fd00:1:2:3::/64");
  EXPECT_EQ(counted_ip("there"), "there");
}

}  // namespace
}  // namespace tidelog::broker
