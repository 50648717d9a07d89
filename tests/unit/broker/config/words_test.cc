#include "broker/config/listener.h"
#include "broker/config/markdown.h"
#include "broker/config/suggest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>

namespace tidelog::broker {
namespace {

std::string listener_text(std::string_view text) {
  const Result<ListenerAddress, ConfigError> parsed = parse_listener("listeners", text);
  return parsed ? parsed->name + " " + parsed->host + " " + std::to_string(parsed->port) : parsed.error().message;
}

TEST(EditDistance, CountsSlipsOfTheFinger) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("node.id", "node.id"), 0U);
  EXPECT_EQ(edit_distance("noed.id", "node.id"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(ClosestWord, OffersOnlyWhatIsNear) {
  constexpr std::array<std::string_view, 2> kWords{"log.dirs", "listeners"};
  EXPECT_EQ(closest_word("log.dir", kWords), "log.dirs");
  EXPECT_EQ(closest_word("zzz", kWords), "");
  EXPECT_EQ(closest_word(std::string(100000, 'x'), kWords), "");
}

void expect_same_up_to(std::size_t most, std::string_view a, std::string_view b) {
  EXPECT_EQ(std::min(edit_distance(a, b, most), most + 1), std::min(edit_distance(a, b), most + 1)) << a << " " << b << " " << most;
}

TEST(EditDistance, WithABoundIsTheSameUpToThere) {
  constexpr std::array<std::string_view, 8> kWords{"", "a", "ba", "ab", "kitten", "sitting", "retention.ms", "retentoin.mss"};
  for (const std::string_view a : kWords) {
    for (const std::string_view b : kWords) {
      for (std::size_t most = 0; most < 10; ++most) expect_same_up_to(most, a, b);
    }
  }
}

struct Row {
  std::string_view key;
};
constexpr std::array<Row, 2> kRows{{{"retention.ms"}, {"segment.ms"}}};
constexpr std::array<Row, 1> kOtherRows{{{"retention.bytes"}}};
constexpr std::span<const Row> kTable(kRows);
constexpr std::span<const Row> kOtherTable(kOtherRows);

TEST(Suggestions, LookUpTheSameKeyOnce) {
  Suggestions suggestions;
  for (std::size_t i = 0; i < 10 * Suggestions::kMost; ++i) {
    EXPECT_EQ(suggestions.closest_key("retention.mss", kTable), "retention.ms");
    EXPECT_EQ(suggestions.closest_key("retention.byte", kOtherTable), "retention.bytes");
  }

  EXPECT_EQ(suggestions.closest_key("segment.mss", kTable), "segment.ms");
}

TEST(Suggestions, LookUpOnlySoManyKeysOfARequest) {
  Suggestions suggestions;
  EXPECT_EQ(suggestions.closest_key("retention.mss", kTable), "retention.ms");

  for (std::size_t i = 1; i < Suggestions::kMost; ++i) {
    EXPECT_EQ(suggestions.closest_key("unlike.any." + std::to_string(i), kTable), "");
  }

  EXPECT_EQ(suggestions.closest_key("segment.mss", kTable), "");
  EXPECT_EQ(suggestions.closest_key("retention.mss", kTable), "retention.ms");
}

TEST(Suggestions, SpendNothingOnWhatIsTooLongForATypo) {
  Suggestions suggestions;
  for (std::size_t i = 0; i < 10 * Suggestions::kMost; ++i) {
    EXPECT_EQ(suggestions.closest_key(std::string(1000 + i, 'q'), kTable), "");
  }

  EXPECT_EQ(suggestions.closest_key("segment.mss", kTable), "segment.ms");
}

TEST(Listener, ReadsNamesAndBothKindsOfAddress) {
  EXPECT_EQ(listener_text("PLAINTEXT://127.0.0.1:9092"), "PLAINTEXT 127.0.0.1 9092");
  EXPECT_EQ(listener_text("PLAINTEXT://[::1]:0"), "PLAINTEXT ::1 0");
  EXPECT_EQ(listener_text("PLAINTEXT://:9092"), "PLAINTEXT  9092");
}

TEST(Listener, SaysWhatIsWrong) {
  const std::string start = "\" is not valid for listeners: ";
  EXPECT_EQ(listener_text("localhost:1"), "\"localhost:1" + start + "the protocol is missing");
  EXPECT_EQ(listener_text("PLAINTEXT://h"), "\"PLAINTEXT://h" + start + "the port is missing");
  EXPECT_EQ(listener_text("PLAINTEXT://h:65536"), "\"PLAINTEXT://h:65536" + start + "the port is not a number from 0 to 65535");
  EXPECT_EQ(listener_text("PLAINTEXT://::1:9"), "\"PLAINTEXT://::1:9" + start + "an IPv6 address stands in brackets");
  EXPECT_EQ(listener_text("PLAINTEXT://a b:9"), "\"PLAINTEXT://a b:9" + start + "the host is not a name or an address");
}

TEST(RenderMarkdown, ListsAKeyWithTypeDefaultRangeAndMarks) {
  const std::string text = render_markdown();
  EXPECT_NE(text.find("| `num.partitions` | int | `1` | 1 to 100000 | Partitions of"), std::string::npos);
  EXPECT_NE(text.find("| `durability` | enum | `fsync` | `fsync`, `page-cache` | **ours** "), std::string::npos);
  EXPECT_NE(text.find("`log.retention.ms`, `log.retention.minutes`, `log.retention.hours`"), std::string::npos);
}

}  // namespace
}  // namespace tidelog::broker
