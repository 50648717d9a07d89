#include "broker/logging/log.h"

#include "broker/logging/line.h"
#include "broker/logging/rate_limited.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <string>

namespace tidelog::broker {
namespace {

using std::chrono::milliseconds;

/// What `write` puts on stderr; the settings are put back for the tests after this one.
template <class Write>
std::string logged(LogLevel level, LogFormat format, Write write) {
  configure_logging(level, format);
  testing::internal::CaptureStderr();
  write();
  configure_logging(LogLevel::warn, LogFormat::text);
  return testing::internal::GetCapturedStderr();
}

TEST(Log, HoldsBackWhatIsBelowTheLevel) {
  const std::string text = logged(LogLevel::warn, LogFormat::text, [] {
    log_info("not {}", "this");
    log_warn("but {}", "that");
  });
  EXPECT_EQ(text.find("not this"), std::string::npos);
  EXPECT_NE(text.find("but that\n"), std::string::npos);
}

TEST(Log, AnnouncesEvenWhenOff) {
  const std::string text = logged(LogLevel::off, LogFormat::text, [] {
    log_error("silent");
    log_announcement("serving");
  });
  EXPECT_EQ(text.find("silent"), std::string::npos);
  EXPECT_NE(text.find("serving\n"), std::string::npos);
}

TEST(Log, WritesOneJsonObjectALine) {
  const std::string text = logged(LogLevel::info, LogFormat::json, [] { log_info("peer {}", "\"a\"\n{}%v\x01\xff"); });
  const nlohmann::json line = nlohmann::json::parse(text);
  EXPECT_EQ(line["level"], "info");
  EXPECT_EQ(line["message"], "peer \"a\"\n{}%v\x01\xef\xbf\xbd");
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}

TEST(EscapeLine, KeepsUtf8AndReplacesWhatIsNone) {
  EXPECT_EQ(escape_line("\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\x8a"), "\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\x8a");
  EXPECT_EQ(escape_line("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(escape_line("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(EscapeLine, CutsALongLine) { EXPECT_EQ(escape_line(std::string(100000, 'x')).size(), 8192U); }

TEST(RateLimited, LetsOneLineOfAReasonThroughASecond) {
  RateLimited limited;
  EXPECT_EQ(limited.admit("refused", milliseconds(0)), 0U);
  EXPECT_EQ(limited.admit("refused", milliseconds(10)), std::nullopt);
  EXPECT_EQ(limited.admit("too large", milliseconds(10)), 0U);
  EXPECT_EQ(limited.admit("refused", milliseconds(999)), std::nullopt);
  EXPECT_EQ(limited.admit("refused", milliseconds(1000)), 2U);
}

TEST(RateLimited, SaysHowManyItHeldBack) {
  RateLimited limited;
  const std::string text = logged(LogLevel::warn, LogFormat::text, [&] {
    limited.warn(milliseconds(0), "refused", "peer {}", 1);
    limited.warn(milliseconds(1), "refused", "peer {}", 2);
    limited.warn(milliseconds(2000), "refused", "peer {}", 3);
  });
  EXPECT_NE(text.find("refused: peer 1\n"), std::string::npos);
  EXPECT_EQ(text.find("peer 2"), std::string::npos);
  EXPECT_NE(text.find("refused: peer 3 (1 more like it before)\n"), std::string::npos);
}

}  // namespace
}  // namespace tidelog::broker
