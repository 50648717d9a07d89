#include "cli/wire/capture.h"

#include "tests/unit/cli/wire/capture_files.h"

#include <gtest/gtest.h>

namespace tidelog::cli::test {
namespace {

using proto::test::from_hex;
using proto::test::to_hex;

/// A packet a line: time and bytes; then the error, if there is one.
std::vector<std::string> read_all(const std::vector<std::byte>& file) {
  ByteSource source = source_of(file);
  std::vector<std::string> lines;
  EXPECT_TRUE(begins_capture(file));
  auto reader = open_capture(source);
  if (!reader) return {reader.error().message()};
  while (true) {
    const result<std::optional<CapturedPacket>> packet = (*reader)->next();
    if (!packet) lines.push_back(packet.error().message());
    if (!packet || !*packet) return lines;
    lines.push_back(std::to_string((*packet)->time_ns.value_or(-1)) + " " + to_hex((*packet)->bytes));
  }
}

TEST(Pcap, ReadsPacketsOfEitherByteOrder) {
  EXPECT_EQ(read_all(from_hex("d4c3b2a1"
                              "02000400"
                              "0000000000000000"
                              "00000400"
                              "01000000"
                              "01000000"
                              "02000000"
                              "03000000"
                              "03000000"
                              "aabbcc"
                              "01000000"
                              "03000000"
                              "00000000"
                              "09000000")),
            (std::vector<std::string>{"1000002000 aabbcc", "1000003000 "}));
  EXPECT_EQ(read_all(from_hex("a1b23c4d"
                              "00020004"
                              "0000000000000000"
                              "00040000"
                              "00000001"
                              "00000001"
                              "00000002"
                              "00000001"
                              "00000001"
                              "aa")),
            (std::vector<std::string>{"1000000002 aa"}));
}

TEST(Pcap, TellsWhereAFileEndsTooEarly) {
  std::vector<std::byte> file = pcap(1, {from_hex("aabb"), from_hex("ccdd")});
  file.pop_back();
  const auto lines = read_all(file);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1], "the capture is damaged at byte 42: it ends within a packet");
}

TEST(Pcap, RefusesAPacketThatClaimsTooMuch) {
  EXPECT_EQ(read_all(from_hex("a1b2c3d4"
                              "00020004"
                              "0000000000000000"
                              "00040000"
                              "00000001"
                              "00000001"
                              "00000002"
                              "7fffffff"
                              "7fffffff"
                              "aa")),
            (std::vector<std::string>{"the capture is damaged at byte 24: a packet of 2147483647 bytes"}));
}

TEST(Pcap, RefusesALinkItDoesNotKnow) {
  const auto lines = read_all(pcap(147, {}));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NE(lines[0].find("link type 147"), std::string::npos);
}

constexpr std::string_view kSection =
    "0a0d0d0a"
    "0000001c"
    "1a2b3c4d"
    "00010000"
    "ffffffffffffffff"
    "0000001c";
constexpr std::string_view kInterface =
    "00000001"
    "00000014"
    "0001"
    "0000"
    "00000000"
    "00000014";

std::vector<std::string> read_pcapng(const std::vector<std::string_view>& blocks) {
  std::string hex(kSection);
  for (const std::string_view block : blocks) hex += block;
  return read_all(from_hex(hex));
}

TEST(Pcapng, ReadsPackets) {
  EXPECT_EQ(read_pcapng({kInterface,
                         "00000bad"
                         "0000000c"
                         "0000000c",  // A block that nobody knows.
                         "00000006"
                         "00000024"
                         "00000000"
                         "00000000"
                         "00000002"
                         "00000003"
                         "00000003"
                         "aabbcc00"
                         "00000024",
                         "00000003"
                         "00000014"
                         "00000002"
                         "ddee0000"
                         "00000014"}),
            (std::vector<std::string>{"2000 aabbcc", "-1 ddee"}));
}

TEST(Pcapng, FollowsTheResolutionOfAnInterface) {
  EXPECT_EQ(read_pcapng({"00000001"
                         "00000020"
                         "0001"
                         "0000"
                         "00000000"
                         "0009"
                         "0001"
                         "09000000"
                         "0000"
                         "0000"
                         "00000020",
                         "00000001"
                         "0000001c"
                         "0001"
                         "0000"
                         "00000000"
                         "0009"
                         "0001"
                         "81000000"
                         "0000001c",
                         "00000006"
                         "00000020"
                         "00000000"
                         "00000000"
                         "00000007"
                         "00000000"
                         "00000000"
                         "00000020",
                         "00000006"
                         "00000020"
                         "00000001"
                         "00000000"
                         "00000003"
                         "00000000"
                         "00000000"
                         "00000020"}),
            (std::vector<std::string>{"7 ", "1500000000 "}));
}

TEST(Pcapng, RefusesWhatCannotBe) {
  const auto refused = [](const std::vector<std::string_view>& blocks) {
    const auto lines = read_pcapng(blocks);
    return lines.size() == 1 && lines[0].starts_with("the capture is damaged at byte ");
  };
  EXPECT_TRUE(
      refused({"00000006"
               "00000024"
               "00000000"
               "00000000"
               "00000002"
               "00000003"
               "00000003"
               "aabbcc00"
               "00000024"}));
  EXPECT_TRUE(refused({kInterface,
                       "00000006"
                       "00000020"
                       "00000000"
                       "00000000"
                       "00000002"
                       "00000003"
                       "00000003"
                       "00000020"}));
  EXPECT_TRUE(refused({kInterface,
                       "00000006"
                       "0ffffffc"}));
  EXPECT_TRUE(
      refused({"00000bad"
               "00000008"}));
  EXPECT_TRUE(
      refused({"00000bad"
               "7ffffffc"
               "00"}));
}

std::string ends_of(std::uint32_t link_type, const std::vector<std::byte>& bytes) {
  const std::optional<TcpPacket> packet = read_tcp({.link_type = link_type, .time_ns = {}, .bytes = bytes});
  if (!packet) return "none";
  return packet->from.text() + " " + packet->to.text() + " " + to_hex(packet->segment.payload);
}

TEST(ReadTcp, FindsTheSegmentBehindEveryLink) {
  const Tcp tcp{.from = 1, .to = 9092, .sequence = 5, .payload = from_hex("aabb")};
  const std::string v4 = "10.0.0.1:1 10.0.0.2:9092 aabb";
  const std::string v6 = "[::1]:1 [::1]:9092 aabb";
  EXPECT_EQ(ends_of(1, ethernet(ipv4(tcp))), v4);
  EXPECT_EQ(ends_of(1, ethernet(ipv6(tcp))), v6);
  EXPECT_EQ(ends_of(1, ethernet(ipv4(tcp), true)), v4);
  EXPECT_EQ(ends_of(101, ipv4(tcp)), v4);
  EXPECT_EQ(ends_of(101, ipv6(tcp)), v6);
  const auto behind = [](std::size_t count, const std::vector<std::byte>& ip) {
    std::vector<std::byte> bytes(count);
    append(bytes, ip);
    return bytes;
  };
  EXPECT_EQ(ends_of(0, behind(4, ipv6(tcp))), v6);
  EXPECT_EQ(ends_of(113, behind(16, ipv4(tcp))), v4);
  EXPECT_EQ(ends_of(276, behind(20, ipv4(tcp))), v4);
}

TEST(ReadTcp, LeavesOutPaddingAndSeesWhatWasCutOff) {
  const Tcp tcp{.from = 1, .to = 2, .payload = from_hex("aabb")};
  std::vector<std::byte> padded = ethernet(ipv4(tcp));
  padded.resize(padded.size() + 6);
  EXPECT_EQ(ends_of(1, padded), "10.0.0.1:1 10.0.0.2:2 aabb");
  std::vector<std::byte> cut = ethernet(ipv4(tcp));
  cut.pop_back();
  const std::optional<TcpPacket> packet = read_tcp({.link_type = 1, .time_ns = {}, .bytes = cut});
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->segment.sent_bytes, 2U);
  EXPECT_EQ(packet->segment.payload.size(), 1U);
}

TEST(ReadTcp, AnyCutPacketIsReadOrPassedOver) {
  for (const auto& packet : {ethernet(ipv4({.payload = from_hex("aabbcc")})), ethernet(ipv6({.payload = from_hex("aabbcc")}), true)}) {
    for (std::size_t size = 0; size < packet.size(); ++size) {
      const std::vector<std::byte> cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
      const std::optional<TcpPacket> read = read_tcp({.link_type = 1, .time_ns = {}, .bytes = cut});
      if (read) EXPECT_LE(read->segment.payload.size(), read->segment.sent_bytes);
    }
  }
}

}  // namespace
}  // namespace tidelog::cli::test
