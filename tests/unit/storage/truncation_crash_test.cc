// A truncation that is cut short at any call to the disk: the log comes back as it was before or as it is afterwards, and takes appends.
#include "storage/compaction/cleaner_checkpoint.h"
#include "storage/log/file_names.h"
#include "tests/unit/storage/truncated_log.h"

#include <gtest/gtest.h>

namespace tidelog::testing {
namespace {

constexpr int kBatches = 36;

/// All that can be asked of a log.
struct State {
  LogReading reading;
  std::string producers;
  std::vector<storage::EpochEnd> epochs;
  std::vector<storage::DamagedRange> damage;
  bool operator==(const State&) const = default;
};

/// A log with all at once that a truncation changes: segments behind the cut, batches of its segment, snapshots, epochs, damage, and a
/// cleaner checkpoint; and some of that below the cut.
class Cut {
 public:
  explicit Cut(int batch) {
    for (int number = 0; number < batch; ++number) to_ = to_ + TruncatedLog::spec(number).records;
    log_.fill(0, kBatches);
    EXPECT_TRUE(log_.checkpoint());
    spoil(3);
    spoil(kBatches - 3);
    log_.fixture().reopen(log_.log().in_manifest(), true);
    EXPECT_EQ(log_.log().damage().ranges().size(), 2U);
    EXPECT_TRUE(log_.checkpoint());
    EXPECT_TRUE(storage::write_cleaner_checkpoint(log_.fixture().place(), {.offset = log_.log().end_offset()}));
    EXPECT_TRUE(log_.disk().sync_disk("disk"));
  }

  [[nodiscard]] TruncatedLog& log() { return log_; }
  [[nodiscard]] Offset to() const { return to_; }
  bool truncate() { return log_.truncate(to_).has_value(); }

  State state() {
    return {.reading = read_as_client(log_.log()),
            .producers = log_.producers(),
            .epochs = log_.epochs(),
            .damage = log_.log().damage().ranges()};
  }
  void append_some() {
    for (int i = 0; i < 7; ++i) EXPECT_NE(log_.fixture().append({.records = 2, .epoch = {9}}), Offset{-1});
    EXPECT_TRUE(log_.fixture().sync());
  }

 private:
  /// Of a batch without a producer, so that producers are the same whether they are read from batches or from a snapshot.
  void spoil(int batch) {
    EXPECT_EQ(TruncatedLog::spec(batch).producer, ProducerId{-1});
    Offset base{0};
    for (int number = 0; number < batch; ++number) base = base + TruncatedLog::spec(number).records;
    const storage::Slice slice = *log_.log().read({.from = base, .limit = log_.log().end_offset(), .max_bytes = 1});
    std::string segment;
    for (const std::string& name : log_.disk().names(kLogDirectory)) {
      const auto begin = storage::parse_offset_file(name, storage::kLogSuffix);
      if (begin && *begin <= base) segment = LogFixture::path(name);
    }
    BatchBytes bytes = log_.disk().contents(segment);
    bytes.at(slice.position + proto::kBatchHeaderBytes + 3) ^= std::byte{1};
    log_.disk().set_contents(segment, bytes);
  }

  TruncatedLog log_;
  Offset to_{0};
};

/// Batches to cut before: one within a segment and one that begins one, as `CutsOfBothKinds` makes sure.
constexpr std::array<int, 2> kCuts{20, 23};

/// What a crash leaves that comes before the first call or after the last.
struct Outcomes {
  State before;
  State after;
};

Outcomes outcomes(int batch, bool with_power_loss) {
  Cut before(batch);
  EXPECT_TRUE(before.log().restart_after_crash(with_power_loss));
  Cut after(batch);
  EXPECT_TRUE(after.truncate());
  EXPECT_TRUE(after.log().restart_after_crash(with_power_loss));
  Outcomes outcomes{.before = before.state(), .after = after.state()};
  EXPECT_EQ(outcomes.after.reading, cut_reading(outcomes.before.reading, after.to()));
  EXPECT_EQ(outcomes.before.damage.size(), 2U);
  EXPECT_EQ(outcomes.after.damage.size(), 1U);
  return outcomes;
}

/// What has to be true of a log that came back, whichever it is; and of the one that a second crash leaves of it.
void expect_usable(Cut& cut, bool with_power_loss) {
  EXPECT_FALSE(cut.log().log().is_offline()) << cut.log().log().offline_reason();
  EXPECT_FALSE(cut.log().has_file(".truncation"));
  EXPECT_LE(storage::read_cleaner_checkpoint(cut.log().fixture().place()).offset, cut.log().log().end_offset());
  cut.append_some();
  const State used = cut.state();
  ASSERT_TRUE(cut.log().restart_after_crash(with_power_loss));
  ASSERT_EQ(cut.state(), used);
  // In use, it finds nothing of what is left over.
  ASSERT_FALSE(cut.log().has_file(".deleted"));
}

/// Fails call number `call` of a truncation, ends the process there, and fails call number `recovery_call` of the first start after it.
/// False: the truncation has fewer calls.
bool crash_at(int batch, std::size_t call, std::size_t recovery_call, const std::pair<bool, Outcomes>& expected) {
  const auto& [with_power_loss, outcomes] = expected;
  SCOPED_TRACE("batch " + std::to_string(batch) + ", call " + std::to_string(call) + (with_power_loss ? ", power loss" : ", killed"));
  Cut cut(batch);
  FaultyFiles& faults = cut.log().fixture().faults();
  faults.fail_call(call);
  const bool is_done = cut.truncate();
  const bool has_failed = faults.has_failed();
  faults.heal();
  if (recovery_call > 0) {
    faults.fail_call(recovery_call);
    static_cast<void>(cut.log().restart_after_crash(with_power_loss));
    faults.heal();
  }
  EXPECT_TRUE(cut.log().restart_after_crash(with_power_loss));
  const State state = cut.state();
  // After power loss damage above the recovery point passes for a tear, and behind the cut that is where it may lie now.
  const Offset damaged = outcomes.before.damage.back().from;
  const bool ends_at_damage = with_power_loss && state.reading == cut_reading(outcomes.before.reading, damaged);
  EXPECT_TRUE(state == outcomes.after || (!is_done && (state == outcomes.before || ends_at_damage)))
      << "the log ends at " << state.reading.end.value;
  expect_usable(cut, with_power_loss);
  return has_failed;
}

TEST(TruncationCrash, CutsOfBothKinds) {
  Cut inside(kCuts[0]);
  Cut between(kCuts[1]);
  const std::string name = std::to_string(between.to().value) + ".log";
  EXPECT_FALSE(inside.log().has_file("0" + std::to_string(inside.to().value) + ".log"));
  EXPECT_TRUE(between.log().has_file("0" + name)) << "let another batch begin a segment";
}

TEST(TruncationCrash, AtAnyCallLeavesTheLogBeforeItOrAfterIt) {
  for (const int batch : kCuts) {
    for (const bool with_power_loss : {false, true}) {
      const std::pair<bool, Outcomes> expected{with_power_loss, outcomes(batch, with_power_loss)};
      std::size_t call = 1;
      while (crash_at(batch, call, 0, expected) && !::testing::Test::HasFailure()) ++call;
      EXPECT_GT(call, 25U);
      if (::testing::Test::HasFailure()) return;
    }
  }
}

/// At every third call of the truncation, until there is no such call, or something is wrong.
void crash_at_calls(std::size_t recovery_call, const std::pair<bool, Outcomes>& expected) {
  std::size_t call = 1 + recovery_call % 3;
  while (!::testing::Test::HasFailure() && crash_at(kCuts[0], call, recovery_call, expected)) call += 3;
}

TEST(TruncationCrash, AndAtAnyCallOfTheStartThatFollows) {
  for (const bool with_power_loss : {false, true}) {
    const std::pair<bool, Outcomes> expected{with_power_loss, outcomes(kCuts[0], with_power_loss)};
    for (std::size_t recovery_call = 1; recovery_call < 40; recovery_call += 2) crash_at_calls(recovery_call, expected);
  }
}

/// What the file system refuses is tried again by the same process; a sync is not.
TEST(TruncationCrash, AFailureOtherThanOfASyncIsMadeUpFor) {
  const Outcomes expected = outcomes(kCuts[0], false);
  for (std::size_t call = 1;; ++call) {
    Cut cut(kCuts[0]);
    LogFixture& fixture = cut.log().fixture();
    const storage::TruncationName name = **fixture.log().begin_truncation(cut.to());
    ASSERT_TRUE(cut.log().save_manifest());
    fixture.faults().fail_call(call);
    const storage::TruncationEnd first = storage::carry_out_truncation(fixture.place(), name);
    const bool has_failed = fixture.faults().has_failed(), failed_in_sync = fixture.faults().failed_in_sync();
    fixture.faults().heal();
    fixture.log().end_truncation(first);
    if (first == storage::TruncationEnd::sync_failed) {
      EXPECT_TRUE(fixture.log().is_offline());
      continue;
    }
    EXPECT_FALSE(failed_in_sync) << "call " << call;
    if (first == storage::TruncationEnd::again) {
      ASSERT_EQ(fixture.append(), Offset{-1}) << "it is not over";
      fixture.log().end_truncation(storage::carry_out_truncation(fixture.place(), name));
    }
    ASSERT_FALSE(fixture.log().pending_truncation());
    ASSERT_EQ(cut.state(), expected.after) << "call " << call;
    if (!has_failed) break;
  }
}

}  // namespace
}  // namespace tidelog::testing
