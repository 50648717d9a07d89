#include "cli/wire/capture_decoder.h"

#include "tests/unit/cli/wire/capture_files.h"
#include "tests/unit/cli/wire/printed.h"

#include <gtest/gtest.h>

// Conversations as a capture shows them, told as the lines that come out.
namespace tidelog::cli::test {
namespace {

using proto::test::all_vectors;
using proto::test::as_bytes;
using proto::test::from_hex;
using std::literals::operator""sv;

constexpr std::uint16_t kClient = 4000, kBroker = 9092;

std::vector<std::byte> text_bytes(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// A recorded request of Metadata and its response, as they stand in a stream.
struct Exchange {
  std::vector<std::byte> request;
  std::vector<std::byte> response;
  std::int32_t correlation_id = 0;
};

Exchange metadata_exchange() {
  Exchange exchange;
  for (const auto& vector : all_vectors()) {
    if (vector.key != 3 || vector.version != 12 || vector.variant != "full") continue;
    std::vector<std::byte> frame = frame_of(vector);
    // Recorded apart from each other, so the response gets the request's number.
    if (vector.kind == "request") exchange.correlation_id = vector.header_json.at("correlationId").get<std::int32_t>();
    if (vector.kind == "response") store_be(frame.data(), exchange.correlation_id);
    (vector.kind == "request" ? exchange.request : exchange.response) = with_length(frame);
  }
  return exchange;
}

/// A connection whose packets are put together one after the other.
class Story {
 public:
  Story& open() {
    packet(kClient, {}, kSyn);
    packet(kBroker, {}, kSyn | kAck);
    return *this;
  }
  Story& says(std::uint16_t who, const std::vector<std::byte>& what) {
    packet(who, what, kAck);
    return *this;
  }
  /// Sent, and not captured.
  Story& loses(std::uint16_t who, std::size_t count) {
    next_of(who) += static_cast<std::uint32_t>(count);
    return *this;
  }
  /// The packet before comes once more.
  Story& repeats() {
    packets_.push_back(packets_.back());
    return *this;
  }
  /// The last two packets changed places.
  Story& swaps() {
    std::swap(packets_[packets_.size() - 1], packets_[packets_.size() - 2]);
    return *this;
  }
  Story& close() {
    packet(kClient, {}, kFin | kAck);
    packet(kBroker, {}, kFin | kAck);
    packet(kClient, {}, kAck);
    return *this;
  }

  /// What is printed: "request Metadata", "response Metadata", "remark", with "!" if it does not decode.
  std::vector<std::string> told(std::optional<std::uint16_t> port = std::nullopt) {
    std::string text;
    TextOut out = to_string(text);
    const auto printer = make_json_printer(out);
    CaptureDecoder decoder({.printer = *printer, .kept = kept, .tally = tally}, port);
    std::int64_t time_ns = 0;
    for (const auto& bytes : packets_) decoder.take({.link_type = 101, .time_ns = time_ns += 1'000'000, .bytes = bytes});
    decoder.finish();
    out.flush();
    lines = lines_of(text);
    std::vector<std::string> short_lines;
    for (const Json& line : lines) {
      std::string told = line.at("type").get<std::string>();
      if (line.contains("api")) told += " " + line.at("api").get<std::string>();
      short_lines.push_back(told + (line.contains("error") ? "!" : ""));
    }
    return short_lines;
  }

  KeptBytes kept;
  WireTally tally;
  std::vector<Json> lines;

 private:
  std::uint32_t& next_of(std::uint16_t who) { return who == kClient ? client_next_ : broker_next_; }
  void packet(std::uint16_t who, const std::vector<std::byte>& payload, unsigned flags) {
    const std::uint16_t to = who == kClient ? kBroker : kClient;
    packets_.push_back(
        ipv4({.from = who, .to = to, .sequence = next_of(who), .flags = static_cast<std::uint8_t>(flags), .payload = payload}));
    next_of(who) += static_cast<std::uint32_t>(payload.size()) + ((flags & (kSyn | kFin)) != 0 ? 1U : 0U);
  }

  std::uint32_t client_next_ = 0xffff'fff0;
  std::uint32_t broker_next_ = 77;
  std::vector<std::vector<std::byte>> packets_;
};

using Told = std::vector<std::string>;
const Told kExchange{"request Metadata", "response Metadata"};

TEST(CaptureDecoder, PairsResponsesWithTheirRequests) {
  const Exchange exchange = metadata_exchange();
  Story story;
  story.open().says(kClient, exchange.request).says(kBroker, exchange.response).close();

  EXPECT_EQ(story.told(), kExchange);

  EXPECT_EQ(story.lines[0].at("from"), "10.0.0.1:4000");
  EXPECT_EQ(story.lines[0].at("to"), "10.0.0.2:9092");
  EXPECT_EQ(story.lines[1].at("from"), "10.0.0.2:9092");
  EXPECT_EQ(story.lines[1].at("api_version"), 12);
  EXPECT_EQ(story.lines[1].at("latency_us"), 1'000);
  EXPECT_EQ(story.tally.connections, 1U);
  EXPECT_EQ(story.tally.failed, 0U);
}

TEST(CaptureDecoder, GivesBackAllItKept) {
  const Exchange exchange = metadata_exchange();
  Story story;
  const std::size_t before = story.kept.left;
  story.open().says(kClient, exchange.request).says(kBroker, {exchange.response.begin(), exchange.response.begin() + 20});
  EXPECT_EQ(story.told(), (Told{"request Metadata", "response Metadata!"}));
  EXPECT_EQ(story.kept.left, before);
}

TEST(CaptureDecoder, SeesThroughRetransmissionAndReordering) {
  const Exchange exchange = metadata_exchange();
  const auto middle = exchange.request.begin() + 9;
  Story story;
  story.open().says(kClient, {exchange.request.begin(), middle}).repeats();
  story.says(kClient, {middle, exchange.request.end()}).swaps().repeats();
  story.says(kBroker, exchange.response).repeats();
  EXPECT_EQ(story.told(), kExchange);
}

TEST(CaptureDecoder, GoesOnBehindWhatWasLost) {
  const Exchange exchange = metadata_exchange();
  Story story;
  story.open().says(kClient, exchange.request).says(kBroker, exchange.response);
  story.says(kClient, {exchange.request.begin(), exchange.request.begin() + 12}).loses(kClient, 40);
  story.says(kClient, text_bytes("the end of something")).says(kClient, exchange.request).says(kBroker, exchange.response).close();

  // The end of the connection says that what is missing will not come.
  EXPECT_EQ(story.told(), (Told{"request Metadata", "response Metadata", "response", "request Metadata!", "remark", "request Metadata"}));
  EXPECT_EQ(story.tally.lost_bytes, 40U);
}

TEST(CaptureDecoder, JoinsAConversationMidway) {
  const Exchange exchange = metadata_exchange();
  Story story;
  story.says(kBroker, text_bytes("an answer to what was asked before")).says(kClient, text_bytes("the rest of a request"));
  story.says(kClient, exchange.request).says(kBroker, exchange.response);
  EXPECT_EQ(story.told(), kExchange);
}

TEST(CaptureDecoder, LeavesOutOtherProtocols) {
  for (const std::string_view greeting :
       {"GET / HTTP/1.1\r\n\r\n"sv, "SSH-2.0-x\r\n"sv, "\x16\x03\x01\x02"sv, "\0\0\0\x10 is not a request  "sv}) {
    Story story;
    story.open().says(kClient, text_bytes(greeting)).says(kBroker, text_bytes("something else")).close();
    EXPECT_EQ(story.told(), Told{}) << greeting;
    EXPECT_EQ(story.tally.connections, 0U);
  }
  Story story;
  story.open().says(kClient, text_bytes("GET / HTTP/1.1\r\n\r\n")).close().told();
  EXPECT_EQ(story.tally.other_connections, 1U);
}

TEST(CaptureDecoder, LeavesAConnectionThatStopsMakingSense) {
  const Exchange exchange = metadata_exchange();
  Story story;
  story.open().says(kClient, exchange.request).says(kBroker, from_hex("fffffff0")).says(kClient, exchange.request);
  EXPECT_EQ(story.told(), (Told{"request Metadata", "remark"}));
  EXPECT_EQ(story.tally.broken_streams, 1U);
}

TEST(CaptureDecoder, LooksAtOnePortIfToldSo) {
  const Exchange exchange = metadata_exchange();
  Story story;
  story.open().says(kClient, exchange.request).says(kBroker, exchange.response).close();
  EXPECT_EQ(story.told(9092), kExchange);
  EXPECT_EQ(story.told(9093), Told{});
}

TEST(CaptureDecoder, TheSameEndsAgainAreAnotherConnection) {
  const Exchange exchange = metadata_exchange();
  Story story;
  story.open().says(kClient, {exchange.request.begin(), exchange.request.begin() + 6}).open();
  story.says(kClient, exchange.request).says(kBroker, exchange.response).close();
  EXPECT_EQ(story.told(), kExchange);
}

}  // namespace
}  // namespace tidelog::cli::test
