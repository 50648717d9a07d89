#include "tests/unit/storage/key_value/memory_place.h"
#include "tests/unit/storage/key_value/small_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>

namespace tidelog::testing {
namespace {

using storage::LogPoint;
using storage::LogView;

/// One part of R9 that is left out.
enum class Mutant : std::uint8_t {
  none,
  ignores_log_id,       ///< Of a topic that was deleted and made again, or a replica that came back.
  ignores_log_end,      ///< What the log is known to have does not matter.
  ignores_content,      ///< The offset has to be in the log, whatever stands there.
  ignores_crc,          ///< Log id, epoch and offset alone.
  applies_uncommitted,  ///< What is above the high watermark goes into the view.
};

/// The log's past as a view with that mutation would see it: what it does not look at is always the same.
class MutantHistory final : public storage::LogHistory {
 public:
  MutantHistory(SmallLog& log, Mutant mutant) : log_(log), mutant_(mutant) {}
  [[nodiscard]] std::uint64_t log_id() const override { return mutant_ == Mutant::ignores_log_id ? 0 : log_.log_id(); }
  Result<LogPoint> point_before(Offset next) override {
    if (mutant_ == Mutant::ignores_log_end) return LogPoint{.next_offset = next};
    Result<LogPoint> point = log_.point_before(next);
    if (!point) return point;
    if (mutant_ == Mutant::ignores_content) *point = {.next_offset = next};
    // No two batches of these logs are the same, so the checksum would tell two logs apart as well.
    if (mutant_ == Mutant::ignores_crc || mutant_ == Mutant::ignores_log_id) point->batch_crc = 0;
    return point;
  }

 private:
  SmallLog& log_;
  Mutant mutant_;
};

/// One seed: a log that grows, is truncated, loses its end, is made again; and a view that follows it, is closed, and crashes.
class World {
 public:
  World(std::uint32_t seed, Mutant mutant) : random_(seed), mutant_(mutant), past_(log_, mutant) {}

  /// Whether the view ever said something that the log does not.
  bool goes_wrong() {
    for (int step = 0; step < 60; ++step) {
      switch (below(8)) {
        case 0: lose_end(); break;
        case 1: make_log_again(); break;
        case 2: truncate_above_watermark(); break;
        case 3: kept_ = place_.entries(); break;
        default: grow(); break;
      }
      // Most starts do not need the view: it is opened when somebody does.
      if (below(3) == 0 && !follows()) return true;
    }
    return false;
  }

 private:
  std::int64_t below(std::int64_t limit) { return static_cast<std::int64_t>(random_()) % limit; }

  void grow() {
    for (std::int64_t i = 0; i < 1 + below(6); ++i) {
      const std::string key = "key-" + std::to_string(below(8));
      log_.append(key, below(4) == 0 ? std::nullopt : std::optional(std::to_string(++value_)), epoch_);
    }
    high_watermark_ = high_watermark_ + below(log_.end() - high_watermark_ + 1);
  }
  /// An election: what was not committed goes, and a new epoch begins.
  void truncate_above_watermark() {
    log_.truncate(high_watermark_ + below(log_.end() - high_watermark_ + 1));
    ++epoch_;
  }
  /// A disk that lost what it had synced. The node may be alone, so that no new epoch begins.
  void lose_end() {
    crash();
    log_.truncate({below(log_.end().value + 1)});
    high_watermark_ = std::min(high_watermark_, log_.end());
    if (below(2) == 0) ++epoch_;
  }
  void make_log_again() {
    crash();
    log_.begin_anew();
    high_watermark_ = {0};
    epoch_ = {0};
  }
  /// The view may be back to what it was earlier.
  void crash() {
    view_.close();
    if (below(2) == 0) place_.entries() = kept_;
  }

  bool follows() {
    const bool restarts = below(2) == 0;
    if (restarts) view_.close();
    if (!view_.is_ready() && !owner_.open(view_, past_)) return false;
    const Offset to = mutant_ == Mutant::applies_uncommitted ? log_.end() : high_watermark_;
    if (!owner_.catch_up(view_, log_, past_, to)) return false;
    return owner_.next() == to && owner_.contents() == log_.contents(to);
  }

  std::mt19937 random_;
  Mutant mutant_;
  SmallLog log_;
  MutantHistory past_;
  Offset high_watermark_{0};
  LeaderEpoch epoch_{0};
  std::int64_t value_ = 0;
  MemoryPlace place_;
  MemoryPlace::Entries kept_;
  LogView view_{place_, "the view"};
  ViewOwner owner_;
};

constexpr std::uint32_t kSeeds = 300;

std::uint32_t seeds_that_go_wrong(Mutant mutant) {
  std::uint32_t wrong = 0;
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) wrong += World(seed, mutant).goes_wrong() ? 1 : 0;
  return wrong;
}

TEST(LogViewMutants, NoneGoesWrongWithoutOne) { EXPECT_EQ(seeds_that_go_wrong(Mutant::none), 0U); }
TEST(LogViewMutants, TheLogIdIsNeeded) { EXPECT_GT(seeds_that_go_wrong(Mutant::ignores_log_id), 0U); }
TEST(LogViewMutants, TheEndOfTheLogIsNeeded) { EXPECT_GT(seeds_that_go_wrong(Mutant::ignores_log_end), 0U); }
TEST(LogViewMutants, TheContentOfTheLogIsNeeded) { EXPECT_GT(seeds_that_go_wrong(Mutant::ignores_content), 0U); }
TEST(LogViewMutants, TheChecksumIsNeededWhereTheEpochStays) { EXPECT_GT(seeds_that_go_wrong(Mutant::ignores_crc), 0U); }
TEST(LogViewMutants, TheHighWatermarkIsNeeded) { EXPECT_GT(seeds_that_go_wrong(Mutant::applies_uncommitted), 0U); }

}  // namespace
}  // namespace tidelog::testing
