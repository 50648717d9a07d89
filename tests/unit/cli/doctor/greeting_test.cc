#include "cli/doctor/greeting.h"

#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

Greeting of(std::string_view text) { return greeting_of(proto::test::as_bytes(text)); }

TEST(Greeting, KnowsWhoSpeaks) {
  EXPECT_EQ(of("HTTP/1.1 400 Bad Request\r\n"), Greeting::http);
  EXPECT_EQ(of("\x15\x03\x01"), Greeting::tls);
  EXPECT_EQ(of("\x16\x03\x03"), Greeting::tls);
  EXPECT_EQ(of("SSH-2.0-OpenSSH_9.2\r\n"), Greeting::other_text);
  EXPECT_EQ(of("220 mail ready\r\n"), Greeting::other_text);
}

TEST(Greeting, SaysNothingOfWhatItDoesNotKnow) {
  EXPECT_EQ(of(""), Greeting::none);
  EXPECT_EQ(of(std::string_view("\0\0\0\x10\0\0\0\x01", 8)), Greeting::unknown);
  EXPECT_EQ(of("\r\n\r\n"), Greeting::unknown);
}

TEST(Greeting, IsQuotedWithoutWhatATerminalWouldActOn) {
  EXPECT_EQ(quoted_greeting(proto::test::as_bytes("\x1b[2J\"hi\"\n")), "\".[2J.hi..\"");
  EXPECT_LE(quoted_greeting(proto::test::as_bytes(std::string(500, 'x'))).size(), 40U);
}

}  // namespace
}  // namespace tidelog::cli
