// Power loss in the middle of what was not synced yet: the last 64 KiB of a log, over several segments, that end early, or read as zeros or
// noise from some byte on, or have a hole. Whatever came to the disk, the log ends with its last whole batch before that.
#include "tests/unit/storage/log_reading.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace tidelog::testing {
namespace {

using storage::RecoveryPoint;

/// Segments by name, as they come back after power loss.
using Segments = std::map<std::string, BatchBytes>;

bool is_same(Bytes a, Bytes b) { return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0); }

/// What is there of the segments behind the one that is torn.
enum class Later : std::uint8_t { gone, empty, whole };

/// A log of which the last 64 KiB were never synced. It can be torn there, and is set back for the next time.
class Unsynced {
 public:
  static constexpr std::size_t kTail = 64U << 10;

  Unsynced() {
    while (written_ < 6000) append();
    EXPECT_TRUE(fixture_.sync());
    EXPECT_TRUE(fixture_.log().checkpoint());
    point_ = fixture_.log().recovery_state();
    fixture_.log().manifest_written();
    const std::size_t synced = written_;
    while (written_ < synced + kTail) append();
    before_ = read_as_client(fixture_.log(), 1U << 20);
    fixture_.drop();
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      files_[name] = fixture_.disk().contents(LogFixture::path(name));
      if (name.ends_with(".log")) whole_[name] = files_[name];
    }
    EXPECT_GT(whole_.size(), 4U);
  }

  [[nodiscard]] LogFixture& fixture() { return fixture_; }
  /// Of all segments, as if they were one file.
  [[nodiscard]] std::size_t size() const { return written_; }
  [[nodiscard]] std::size_t first() const { return written_ - kTail; }
  /// Whether a batch begins at `at`, or right beside it.
  [[nodiscard]] bool is_near_a_boundary(std::size_t at) const {
    return ends_.contains(at) || ends_.contains(at + 1) || ends_.contains(at - 1);
  }

  /// Nothing reached the disk from `at` on, but for segments behind, perhaps.
  [[nodiscard]] Segments cut(std::size_t at, Later later) const {
    Segments left;
    std::size_t begin = 0;
    for (const auto& [name, bytes] : whole_) {
      if (begin < at) {
        left[name] = {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(bytes.size(), at - begin))};
      } else if (later != Later::gone) {
        left[name] = later == Later::whole ? bytes : BatchBytes{};
      }
      begin += bytes.size();
    }
    return left;
  }

  /// Every byte from `from` to `to` became what `change` makes of it.
  template <class Change>
  [[nodiscard]] Segments change(std::size_t from, std::size_t to, Change change) const {
    Segments changed = whole_;
    std::size_t begin = 0;
    for (auto& [name, bytes] : changed) {
      const std::size_t end = begin + bytes.size();
      for (std::size_t at = std::max(from, begin); at < std::min(to, end); ++at) bytes[at - begin] = change(bytes[at - begin]);
      begin = end;
    }
    return changed;
  }

  /// Recovers from `torn` and checks the end of the log, and that no byte has vanished.
  void recover(const Segments& torn) {
    fixture_.reopen_after(request());
    storage::Log& log = fixture_.log();
    ASSERT_FALSE(log.is_offline()) << log.offline_reason();
    ASSERT_EQ(log.end_offset(), end_of(torn));
    ASSERT_TRUE(log.damage().empty());
    std::uint64_t taken_out = 0;
    for (const auto& [name, bytes] : torn) {
      const BatchBytes kept = contents(name);
      const BatchBytes aside = contents(aside_of(name));
      ASSERT_EQ(kept.size() + aside.size(), bytes.size()) << name;
      ASSERT_TRUE(is_same(kept, Bytes(bytes).first(kept.size()))) << name;
      ASSERT_TRUE(is_same(aside, Bytes(bytes).subspan(kept.size()))) << name;
      taken_out += aside.size();
    }
    ASSERT_EQ(fixture_.report().bytes_cut, taken_out);
  }

  /// What a client gets is what was written; another power loss and recovery change nothing; appends go on behind it.
  void check_use(const Segments& torn) {
    const LogReading once = read_as_client(fixture_.log(), 1U << 20);
    ASSERT_EQ(once, expected(end_of(torn)));
    const Segments files = recovered_files();
    fixture_.drop();
    fixture_.disk().crash();

    fixture_.reopen_after(request());

    ASSERT_EQ(fixture_.report().bytes_cut, 0U);
    ASSERT_EQ(fixture_.report().segments_set_aside, 0U);
    ASSERT_EQ(recovered_files(), files);
    ASSERT_EQ(read_as_client(fixture_.log(), 1U << 20), once);
    const BatchSpec spec{.records = 2, .epoch = {99}};
    ASSERT_EQ(fixture_.append(spec), once.end + 2);
    ASSERT_TRUE(fixture_.sync());
    const LogReading more = read_as_client(fixture_.log(), 1U << 20);
    ASSERT_EQ(more.batches.size(), once.batches.size() + 1);
    ASSERT_TRUE(more.holds(once.end, make_batch(once.end, spec)));
  }

  /// Sets the disk to `torn`, all beside the segments being as it was, recovers, and looks closer now and then.
  void tear(const Segments& torn, bool closely) {
    fixture_.drop();
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      const bool is_known = torn.contains(name) || (files_.contains(name) && !whole_.contains(name));
      if (!is_known) ASSERT_TRUE(fixture_.disk().remove(LogFixture::path(name)));
    }
    for (const auto& [name, bytes] : files_) {
      if (!whole_.contains(name)) fixture_.disk().set_contents(LogFixture::path(name), bytes);
    }
    for (const auto& [name, bytes] : torn) fixture_.disk().set_contents(LogFixture::path(name), bytes);
    if (closely) ASSERT_TRUE(fixture_.disk().sync_disk("disk"));
    recover(torn);
    if (closely && !::testing::Test::HasFatalFailure()) check_use(torn);
  }

 private:
  [[nodiscard]] storage::RecoveryRequest request() const { return {.known = point_, .writes_survived = false}; }

  void append() {
    const std::size_t number = ends_.size();
    const BatchSpec spec{.records = 1 + static_cast<int>(number % 3),
                         .value_bytes = 20 + number * 37 % 500,
                         .epoch = {static_cast<std::int32_t>(number / 60)}};
    written_ += make_batch(fixture_.log().end_offset(), spec).size();
    ends_[written_] = fixture_.append(spec);
  }

  /// Where the log has to end: behind the last batch that is there up to its last byte, and all before it.
  [[nodiscard]] Offset end_of(const Segments& torn) const {
    std::size_t same = 0;
    for (const auto& [name, bytes] : whole_) {
      const auto found = torn.find(name);
      if (found == torn.end()) break;
      if (is_same(bytes, found->second)) {
        same += bytes.size();
        continue;
      }
      same += static_cast<std::size_t>(std::ranges::mismatch(bytes, found->second).in1 - bytes.begin());
      break;
    }
    return std::prev(ends_.upper_bound(same))->second;
  }

  [[nodiscard]] LogReading expected(Offset end) const {
    LogReading reading = before_;
    reading.batches.erase(reading.batches.lower_bound(end), reading.batches.end());
    reading.end = end;
    return reading;
  }

  [[nodiscard]] BatchBytes contents(const std::string& name) {
    return fixture_.disk().exists(LogFixture::path(name)) ? fixture_.disk().contents(LogFixture::path(name)) : BatchBytes{};
  }
  /// The file that keeps what was taken out of segment `name`, if there is one.
  [[nodiscard]] std::string aside_of(const std::string& name) {
    for (const std::string& other : fixture_.disk().names(kLogDirectory)) {
      if (other.starts_with(name + ".") && other.ends_with(".cut")) return other;
    }
    return "none";
  }
  [[nodiscard]] Segments recovered_files() {
    Segments found;
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      if (name.ends_with(".log") || name.ends_with(".cut")) found[name] = contents(name);
    }
    return found;
  }

  LogFixture fixture_{small_segments(15'000)};
  RecoveryPoint point_;
  std::size_t written_ = 0;
  std::map<std::size_t, Offset> ends_{{0, Offset{0}}};  ///< Where a batch ends, and the offset behind it.
  LogReading before_;
  Segments files_;  ///< All of the directory,
  Segments whole_;  ///< and the segments of it.
};

/// Every byte of the last 8 KiB, and every seventh of the rest.
std::vector<std::size_t> sample(const Unsynced& log) {
  constexpr std::size_t kEveryOne = 8U << 10;
  std::vector<std::size_t> places;
  for (std::size_t at = log.first(); at < log.size(); at += at + kEveryOne < log.size() ? 7 : 1) places.push_back(at);
  return places;
}

TEST(TornSegments, EndWithTheLastWholeBatchWhereverTheyAreCut) {
  Unsynced log;
  for (std::size_t at = log.first(); at < log.size(); ++at) {
    const Later later{static_cast<std::uint8_t>(at % 3)};
    log.tear(log.cut(at, later), at % 16 == 0 || log.is_near_a_boundary(at));
    if (::testing::Test::HasFailure()) FAIL() << "cut at byte " << at << " of " << log.size() << ", later segments: " << at % 3;
  }
}

TEST(TornSegments, EndWithTheLastWholeBatchBeforeZeros) {
  Unsynced log;
  for (const std::size_t at : sample(log)) {
    log.tear(log.change(at, log.size(), [](std::byte) { return std::byte{0}; }), at % 16 == 0 || log.is_near_a_boundary(at));
    if (::testing::Test::HasFailure()) FAIL() << "zeros from byte " << at << " of " << log.size();
  }
}

TEST(TornSegments, EndWithTheLastWholeBatchBeforeNoise) {
  Unsynced log;
  std::minstd_rand random(7);
  const auto other = [&](std::byte was) { return was ^ static_cast<std::byte>(1 + random() % 255); };
  for (const std::size_t at : sample(log)) {
    log.tear(log.change(at, log.size(), other), at % 16 == 0 || log.is_near_a_boundary(at));
    if (::testing::Test::HasFailure()) FAIL() << "noise from byte " << at << " of " << log.size();
  }
}

/// Sectors and pages that did not reach the disk though those behind them did.
TEST(TornSegments, EndWithTheLastWholeBatchBeforeAHole) {
  constexpr std::size_t kStep = 512;
  Unsynced log;
  const auto zero = [](std::byte) { return std::byte{0}; };
  for (const std::size_t hole : {std::size_t{512}, std::size_t{4096}}) {
    for (std::size_t at = log.first() / kStep * kStep + kStep; at < log.size(); at += kStep) {
      log.tear(log.change(at, at + hole, zero), true);
      if (::testing::Test::HasFailure()) FAIL() << "a hole of " << hole << " at byte " << at << " of " << log.size();
    }
  }
}

}  // namespace
}  // namespace tidelog::testing
