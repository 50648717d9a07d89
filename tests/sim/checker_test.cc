#include "tests/sim/checker.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace tidelog::sim {
namespace {

/// Two records of an idempotent producer, acknowledged at 0 and 1, and a log that has them.
struct Case {
  Case() {
    history.sent["a"] = {.number = 0, .is_idempotent = true, .needs_all = true, .outcome = Outcome::acked, .offset = 0};
    history.sent["b"] = {.number = 1, .is_idempotent = true, .needs_all = true, .outcome = Outcome::acked, .offset = 1};
    history.sent["c"] = {.number = 2, .is_idempotent = true, .needs_all = true};
    logs[0] = {{0, "a"}, {1, "b"}};
  }
  bool accused_of(const std::string& what) {
    return std::ranges::any_of(check(history, logs), [&](const std::string& text) { return text.find(what) != std::string::npos; });
  }

  History history;
  std::map<int, FinalLog> logs;
};

TEST(Checker, AcceptsWhatKeepsEveryPromise) {
  Case c;
  EXPECT_EQ(check(c.history, c.logs), std::vector<std::string>());

  c.logs[0][2] = "c";  // Never acknowledged: may be there.
  EXPECT_EQ(check(c.history, c.logs), std::vector<std::string>());
}

TEST(Checker, MissesAnAcknowledgedRecord) {
  Case c;
  c.logs[0].erase(1);
  EXPECT_TRUE(c.accused_of("LOST: b"));
}

TEST(Checker, ForgivesTheLossOfWhatOnlyOneWriteAcknowledged) {
  Case c;
  c.history.sent["b"].needs_all = false;
  c.logs[0].erase(1);
  EXPECT_EQ(check(c.history, c.logs), std::vector<std::string>());
}

TEST(Checker, SeesARecordAtAnotherOffsetThanAcknowledged) {
  Case c;
  c.history.sent["b"].offset = 7;
  EXPECT_TRUE(c.accused_of("b was acknowledged at 0@7 and is at 0@1"));
}

TEST(Checker, SeesADuplicate) {
  Case c;
  c.logs[0][2] = "b";
  EXPECT_TRUE(c.accused_of("b is there twice"));
}

TEST(Checker, SeesRecordsOutOfOrder) {
  Case c;
  c.logs[0] = {{0, "b"}, {1, "a"}};
  EXPECT_TRUE(c.accused_of("order:"));
}

TEST(Checker, SeesAGapInWhatAnIdempotentProducerSent) {
  Case c;
  c.history.sent["b"].outcome = Outcome::unknown;
  c.logs[0] = {{0, "a"}, {1, "c"}};
  EXPECT_TRUE(c.accused_of("order:"));
}

TEST(Checker, SeesAGapInTheOffsets) {
  Case c;
  c.logs[0] = {{0, "a"}, {2, "b"}};
  EXPECT_TRUE(c.accused_of("jump to 2"));
}

TEST(Checker, SeesWhatNobodySentAndWhatWasRefused) {
  Case c;
  c.history.sent["c"].outcome = Outcome::refused;
  c.logs[0][2] = "c";
  c.logs[0][3] = "z";
  EXPECT_TRUE(c.accused_of("nobody sent what is at 0@3"));
  EXPECT_TRUE(c.accused_of("c was refused and is there"));
}

TEST(Checker, SeesWhatWasReadAndIsGoneOrChanged) {
  Case c;
  c.history.note_fetched({.partition = 0, .offset = 1}, "c");
  c.history.note_fetched({.partition = 0, .offset = 2}, "c");
  EXPECT_TRUE(c.accused_of("CHANGED: 0@1"));
  EXPECT_TRUE(c.accused_of("GONE: c was read at 0@2"));
}

TEST(History, SeesTwoReadersOfOneOffsetDisagree) {
  Case c;
  c.history.note_fetched({.partition = 0, .offset = 0}, "a");
  c.history.note_fetched({.partition = 0, .offset = 0}, "b");
  EXPECT_TRUE(c.accused_of("was read as a and later as b"));
}

TEST(History, SeesAProducerIdGivenOutTwice) {
  Case c;
  c.history.note_producer_id(5, 0);
  c.history.note_producer_id(5, 1);
  EXPECT_TRUE(c.accused_of("producer id 5"));
}

}  // namespace
}  // namespace tidelog::sim
