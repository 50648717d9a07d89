#include "broker/shard/limit_log.h"

#include "broker/config/broker_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

namespace tidelog::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(LimitLog, CountsEveryTimeAndWritesOncePerSecondAndLimit) {
  LimitLog limits;
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 500; ++i) limits.hit(Limit::connections_max_idle, seconds(1) + milliseconds(i), "closed {}", i);
  limits.hit(Limit::max_connections, seconds(1), "refused {}", "somebody");
  limits.hit(Limit::connections_max_idle, seconds(3), "closed {}", "another");

  const std::string lines = ::testing::internal::GetCapturedStderr();

  EXPECT_EQ(limits.count(Limit::connections_max_idle), 501U);
  EXPECT_EQ(limits.count(Limit::max_connections), 1U);
  EXPECT_THAT(lines, HasSubstr("connections.max.idle.ms: closed 0 (1 so far)"));
  EXPECT_THAT(lines, HasSubstr("max.connections: refused somebody (1 so far)"));
  EXPECT_THAT(lines, HasSubstr("connections.max.idle.ms: closed another (501 so far)"));
  EXPECT_THAT(lines, Not(HasSubstr("closed 1 ")));
}

TEST(LimitLog, EveryLimitHasANameOfItsOwn) {
  std::set<std::string_view> names;

  for (std::size_t i = 0; i < kLimits; ++i) names.insert(name(static_cast<Limit>(i)));

  EXPECT_EQ(names.size(), kLimits);
}

/// The first words of the rows of docs/limits.md's first table, as they stand there between backquotes.
std::set<std::string> documented_limits() {
  std::ifstream file(TIDELOG_TEST_DATA "/../../docs/limits.md");
  std::set<std::string> names;
  bool is_in_table = false;
  for (std::string line; std::getline(file, line);) {
    is_in_table = line.starts_with("| limit (first word") || (is_in_table && line.starts_with("|"));
    if (!is_in_table || !line.starts_with("| `")) continue;
    EXPECT_TRUE(names.insert(line.substr(3, line.find('`', 3) - 3)).second) << "twice in docs/limits.md: " << line;
  }
  return names;
}

TEST(LimitLog, EveryLimitHasARowInTheDocumentation) {
  std::set<std::string> known;

  for (std::size_t i = 0; i < kLimits; ++i) known.insert(std::string(name(static_cast<Limit>(i))));

  EXPECT_EQ(documented_limits(), known);
}

// A row that begins with an option's name says what the option's default is.
TEST(LimitLog, ALimitThatIsNoOptionSaysSoByItsSpaces) {
  for (std::size_t i = 0; i < kLimits; ++i) {
    const std::string_view limit = name(static_cast<Limit>(i));
    const bool is_option = limit.find(' ') == std::string_view::npos;
    EXPECT_EQ(find_broker_option(limit) != nullptr, is_option) << limit;
  }
}

TEST(LimitLog, DescribesWhatBit) {
  LimitCounts counts{};
  const std::string none = describe(counts);
  counts[static_cast<std::size_t>(Limit::max_connections)] = 12;
  counts[static_cast<std::size_t>(Limit::malformed_request)] = 3;

  const std::string some = describe(counts);

  EXPECT_EQ(none, "");
  EXPECT_EQ(some, "max.connections 12, malformed request 3");
}

}  // namespace
}  // namespace tidelog::broker
