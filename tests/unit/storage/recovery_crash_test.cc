// Recovery that does not get to its end: the next one gives the log that the first would have given.
#include "tests/unit/storage/log_reading.h"

#include <gtest/gtest.h>

#include <functional>

namespace tidelog::testing {
namespace {

using storage::RecoveryPoint;
using storage::RecoveryRequest;

/// A log that is killed with all at once that recovery knows to deal with: damage, garbage between segments, a segment that is gone, and a
/// torn tail; and which had been trimmed and synced in part before.
class Wreck {
 public:
  Wreck() {
    for (int i = 0; i < 3; ++i) append(i);
    EXPECT_TRUE(fixture_.sync());
    EXPECT_TRUE(fixture_.log().advance_log_start({1}));
    known_ = fixture_.log().recovery_state();
    for (int i = 3; i < 40; ++i) append(i);
    EXPECT_TRUE(fixture_.log().checkpoint());
    fixture_.drop();
    std::vector<std::string> segments;
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      if (name.ends_with(".log")) segments.push_back(LogFixture::path(name));
    }
    EXPECT_GE(segments.size(), 6U);
    change(segments[1], [](BatchBytes& bytes) { bytes.at(bytes.size() / 2) ^= std::byte{4}; });
    change(segments[2], [](BatchBytes& bytes) { bytes.insert(bytes.end(), 21, std::byte{9}); });
    EXPECT_TRUE(fixture_.disk().remove(segments[segments.size() - 3]));
    change(segments.back(), [](BatchBytes& bytes) { bytes.pop_back(); });
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      fixture_.disk().set_contents(LogFixture::path(name), fixture_.disk().contents(LogFixture::path(name)));
    }
    EXPECT_TRUE(fixture_.disk().sync_disk("disk"));
  }

  [[nodiscard]] LogFixture& fixture() { return fixture_; }
  [[nodiscard]] RecoveryRequest request(bool survived, std::int64_t now) const {
    return {.known = known_, .writes_survived = survived, .now = {now}};
  }

  /// The log, and every file that a reader of it depends on.
  [[nodiscard]] std::pair<LogReading, std::map<std::string, BatchBytes>> state() {
    LogReading reading = read_as_client(fixture_.log());
    std::map<std::string, BatchBytes> files;
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      const std::string kind = name.substr(name.rfind('.') + 1);
      // The time of the attempt is in the names of what was kept aside.
      const std::string stable = kind == "cut" ? name.substr(0, name.rfind('-')) : name;
      if (kind == "log" || kind == "cut" || name == "damaged-ranges") files[stable] = fixture_.disk().contents(LogFixture::path(name));
    }
    return {std::move(reading), std::move(files)};
  }

 private:
  void append(int number) {
    fixture_.append(BatchSpec{.records = 1 + number % 2,
                              .epoch = {number / 15},
                              .producer = {number % 2 == 0 ? 4 : -1},
                              .producer_epoch = static_cast<std::int16_t>(number % 2 == 0 ? 0 : -1),
                              .sequence = number % 2 == 0 ? number / 2 : -1});
  }
  void change(const std::string& path, const std::function<void(BatchBytes&)>& how) {
    BatchBytes bytes = fixture_.disk().contents(path);
    how(bytes);
    fixture_.disk().set_contents(path, bytes);
  }

  LogFixture fixture_{small_segments(600)};
  RecoveryPoint known_;
};

TEST(RecoveryCrash, AtAnyCallGivesTheSameLogTheNextTime) {
  for (const bool survived : {false, true}) {
    Wreck reference;
    reference.fixture().reopen_after(reference.request(survived, 7));
    const auto expected = reference.state();
    EXPECT_EQ(survived, !expected.first.refused.empty());
    for (std::size_t call = 1;; ++call) {
      Wreck wreck;
      wreck.fixture().faults().fail_call(call);

      static_cast<void>(wreck.fixture().try_reopen(wreck.request(survived, 5)));
      const bool has_failed = wreck.fixture().faults().has_failed();
      wreck.fixture().faults().heal();
      wreck.fixture().drop();
      if (!survived) wreck.fixture().disk().crash();
      wreck.fixture().reopen_after(wreck.request(survived, 7));

      ASSERT_EQ(wreck.state(), expected) << "call " << call << (survived ? ", killed" : ", power loss");
      if (has_failed) continue;
      EXPECT_GT(call, 20U);
      break;
    }
  }
}

TEST(RecoveryCrash, RunAgainFindsNothingToDo) {
  for (const bool survived : {false, true}) {
    Wreck wreck;
    wreck.fixture().reopen_after(wreck.request(survived, 5));
    const auto once = wreck.state();

    wreck.fixture().reopen_after(wreck.request(survived, 5));

    EXPECT_EQ(wreck.state(), once);
    EXPECT_EQ(wreck.fixture().report().bytes_cut, 0U);
    EXPECT_EQ(wreck.fixture().report().ranges_damaged, 0U);
  }
}

}  // namespace
}  // namespace tidelog::testing
