// Properties of recovery and reading over every place where a bit may flip and a write may tear.
#include "tests/unit/storage/log_reading.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tidelog::testing {
namespace {

using storage::RecoveryPoint;

/// One batch of the log as it was written.
struct Original {
  Offset base;
  Offset next;
  LeaderEpoch epoch;
  std::string file;
  std::size_t position = 0;
  BatchBytes bytes;
};

/// A log of several segments, with batches of all kinds: equal ones one behind the other, several epochs, and one that carries others
/// inside.
class Sample {
 public:
  Sample() {
    for (int i = 0; i < 36; ++i) {
      const LeaderEpoch epoch{i < 10 ? 1 : i < 24 ? 2 : 5};
      if (i % 11 == 7) {
        append_with_batches_inside(epoch);
      } else {
        fixture_.append(BatchSpec{.records = i % 5 == 3 ? 4 : 1, .value_bytes = i % 7 == 2 ? 90U : 20U, .epoch = epoch});
      }
    }
    EXPECT_TRUE(fixture_.sync());
    point_ = fixture_.log().recovery_state();
    read_originals();
    fixture_.log().close();
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      files_[LogFixture::path(name)] = fixture_.disk().contents(LogFixture::path(name));
    }
  }

  [[nodiscard]] LogFixture& fixture() { return fixture_; }
  [[nodiscard]] const RecoveryPoint& point() const { return point_; }
  [[nodiscard]] const std::vector<Original>& originals() const { return originals_; }
  [[nodiscard]] std::size_t size_bytes() const { return originals_.empty() ? 0 : total_; }

  /// The directory as it was before anything happened to it.
  void restore() {
    fixture_.drop();
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      if (!files_.contains(LogFixture::path(name))) EXPECT_TRUE(fixture_.disk().remove(LogFixture::path(name)));
    }
    for (const auto& [path, bytes] : files_) fixture_.disk().set_contents(path, bytes);
  }

  /// Flips one bit of the log as if its segments were one file; the batch that it hit.
  std::size_t flip(std::size_t bit) {
    const std::size_t byte = bit / 8 % total_;
    std::size_t at = 0;
    std::size_t number = 0;
    while (at + originals_[number].bytes.size() <= byte) at += originals_[number++].bytes.size();
    const Original& hit = originals_[number];
    BatchBytes damaged = files_.at(hit.file);
    field_ = byte - at;
    damaged.at(hit.position + field_) ^= std::byte{1} << (bit % 8);
    fixture_.disk().set_contents(hit.file, damaged);
    flipped_epoch_ = LeaderEpoch{load_be<std::int32_t>(damaged.data() + hit.position + 12)};
    return number;
  }
  [[nodiscard]] std::string where() const { return ", byte " + std::to_string(field_) + ", epoch " + std::to_string(flipped_epoch_.value); }
  [[nodiscard]] bool hit_the_epoch() const { return field_ >= 12 && field_ < 16; }

  /// With batch `hit` in the epoch it has now and without batch `left_out`, whether epochs rise as they should.
  [[nodiscard]] bool epochs_rise(std::size_t hit, std::size_t left_out) const {
    LeaderEpoch last{-1};
    for (std::size_t i = 0; i < originals_.size(); ++i) {
      if (i == left_out) continue;
      const LeaderEpoch epoch = i == hit ? flipped_epoch_ : originals_[i].epoch;
      if (epoch < last) return false;
      last = epoch;
    }
    return true;
  }

 private:
  void append_with_batches_inside(LeaderEpoch epoch) {
    const Offset at = fixture_.log().end_offset();
    BatchBytes value = make_batch(at + 1, {.epoch = epoch});
    const BatchBytes second = make_batch(at + 2, {.records = 2, .epoch = epoch});
    value.insert(value.end(), second.begin(), second.end());
    proto::BatchBuilder builder;
    builder.append({.timestamp = {1000}, .key = {}, .value = value, .headers = {}});
    const std::vector<Bytes> batches{builder.build({.base_offset = at, .leader_epoch = epoch})};
    EXPECT_TRUE(fixture_.log().append(batches));
  }

  void read_originals() {
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      if (!name.ends_with(".log")) continue;
      const BatchBytes all = fixture_.disk().contents(LogFixture::path(name));
      for (std::size_t at = 0; at < all.size();) {
        const auto header = *storage::parse_batch_header(Bytes(all).subspan(at));
        const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at);
        originals_.push_back({.base = header.base_offset,
                              .next = header.next_offset(),
                              .epoch = header.leader_epoch,
                              .file = LogFixture::path(name),
                              .position = at,
                              .bytes = {begin, begin + static_cast<std::ptrdiff_t>(header.size_bytes)}});
        at += header.size_bytes;
      }
      total_ += all.size();
    }
  }

  LogFixture fixture_{small_segments(1500)};
  RecoveryPoint point_;
  std::map<std::string, BatchBytes> files_;
  std::vector<Original> originals_;
  std::size_t total_ = 0;
  std::size_t field_ = 0;
  LeaderEpoch flipped_epoch_{-1};
};

constexpr std::uint32_t kSeed = 20'250;
constexpr int kFlips = 10'000;

/// All but batch `blamed` are there as they were written, and of that nothing is.
::testing::AssertionResult lost_only(const Sample& sample, const LogReading& now, std::size_t blamed) {
  for (std::size_t i = 0; i < sample.originals().size(); ++i) {
    const Original& batch = sample.originals()[i];
    if (i != blamed && !now.holds(batch.base, batch.bytes)) {
      return ::testing::AssertionFailure() << "batch " << i << " at offset " << batch.base.value << " is lost";
    }
    if (i == blamed && now.batches.contains(batch.base)) return ::testing::AssertionFailure() << "damaged batch " << i << " was served";
  }
  const std::size_t expected = sample.originals().size() - (blamed < sample.originals().size() ? 1 : 0);
  if (now.batches.size() != expected) return ::testing::AssertionFailure() << "something was served that was never written";
  return ::testing::AssertionSuccess();
}

/// What may come of a flip in batch `hit` if the page cache survived, or nothing crashed.
::testing::AssertionResult is_honest(const Sample& sample, const LogReading& now, std::size_t hit) {
  const ::testing::AssertionResult damaged_only = lost_only(sample, now, hit);
  if (damaged_only || !sample.hit_the_epoch()) return damaged_only;
  // No checksum covers the epoch: which batch has the wrong one, or whether one has, only its neighbours say.
  for (std::size_t blamed = 0; blamed < sample.originals().size(); ++blamed) {
    if (!sample.epochs_rise(hit, blamed)) continue;
    LogReading as_if = now;
    if (blamed != hit) as_if.batches[sample.originals()[hit].base] = sample.originals()[hit].bytes;
    if (lost_only(sample, as_if, blamed)) return ::testing::AssertionSuccess();
  }
  if (!sample.epochs_rise(hit, SIZE_MAX)) return damaged_only;
  LogReading as_if = now;
  as_if.batches[sample.originals()[hit].base] = sample.originals()[hit].bytes;
  return lost_only(sample, as_if, SIZE_MAX);
}

TEST(FlippedBits, OfALogThatWasNotSyncedTakeOneBatchAtMost) {
  Sample sample;
  std::mt19937 random(kSeed);
  for (int i = 0; i < kFlips; ++i) {
    sample.restore();
    const std::size_t hit = sample.flip(random());

    sample.fixture().reopen_after({.known = RecoveryPoint{}, .writes_survived = true});

    ASSERT_FALSE(sample.fixture().log().is_offline());
    const LogReading now = read_as_client(sample.fixture().log());
    ASSERT_TRUE(now.disbelieved.empty()) << "flip " << i << " was served";
    ASSERT_TRUE(is_honest(sample, now, hit)) << "flip " << i << " in batch " << hit << sample.where();
  }
}

TEST(FlippedBits, BelowTheRecoveryPointTakeOneBatchAtMostByAFullCheck) {
  Sample sample;
  std::mt19937 random(kSeed + 1);
  for (int i = 0; i < kFlips; ++i) {
    sample.restore();
    const std::size_t hit = sample.flip(random());

    sample.fixture().reopen(sample.point(), true);

    const LogReading now = read_as_client(sample.fixture().log());
    ASSERT_TRUE(now.disbelieved.empty()) << "flip " << i << " was served";
    ASSERT_EQ(now.end, sample.point().offset);
    ASSERT_TRUE(is_honest(sample, now, hit)) << "flip " << i << " in batch " << hit << sample.where();
  }
}

/// Nobody looked for it. Whoever reads is refused, or sees a checksum that does not fit; nothing is left out in silence.
TEST(FlippedBits, BelowTheRecoveryPointHideNothingFromWhoeverReads) {
  Sample sample;
  std::mt19937 random(kSeed + 2);
  for (int i = 0; i < kFlips; ++i) {
    sample.restore();
    const std::size_t hit = sample.flip(random());

    sample.fixture().reopen(sample.point());

    const LogReading now = read_as_client(sample.fixture().log(), 200 + static_cast<std::size_t>(i) % 1400);
    ASSERT_FALSE(sample.fixture().log().is_offline()) << sample.fixture().log().offline_reason();
    ASSERT_EQ(now.end, sample.point().offset);
    if (sample.hit_the_epoch()) continue;  // One slice may hold too little of the neighbours.
    ASSERT_TRUE(is_honest(sample, now, hit)) << "flip " << i << " in batch " << hit << sample.where();
  }
}

/// The limit that is documented: it cannot be told from a tear. Then the log ends there, and the rest is kept aside.
TEST(FlippedBits, AfterPowerLossEndTheLogAndWhatFollowsIsKeptAside) {
  Sample sample;
  std::mt19937 random(kSeed + 3);
  for (int i = 0; i < kFlips; ++i) {
    sample.restore();
    const std::size_t hit = sample.flip(random());

    sample.fixture().reopen(RecoveryPoint{});

    const LogReading now = read_as_client(sample.fixture().log());
    ASSERT_TRUE(now.disbelieved.empty());
    ASSERT_TRUE(now.refused.empty());
    for (std::size_t before = 0; before < hit; ++before) {
      ASSERT_TRUE(now.holds(sample.originals()[before].base, sample.originals()[before].bytes)) << "flip " << i;
    }
    std::size_t bytes = 0;
    for (const std::string& name : sample.fixture().disk().names(kLogDirectory)) {
      const bool counts = name.ends_with(".log") || name.ends_with(".cut");
      if (counts) bytes += sample.fixture().disk().contents(LogFixture::path(name)).size();
    }
    ASSERT_EQ(bytes, sample.size_bytes()) << "flip " << i << " made bytes vanish";
  }
}

/// However few bytes of its last 64 KiB a log was left with.
TEST(TornTail, IsCutToTheLastWholeBatchAtEveryByte) {
  constexpr std::size_t kTail = 64U << 10;
  LogFixture fixture(small_segments(200'000));
  std::vector<std::size_t> ends{0};
  while (ends.back() <= kTail + 1000) {
    fixture.append(BatchSpec{.records = 1 + static_cast<int>(ends.size() % 3), .value_bytes = 100 + ends.size() * 37 % 900});
    ends.push_back(fixture.disk().contents(LogFixture::path("00000000000000000000.log")).size());
  }
  const std::string file = LogFixture::path("00000000000000000000.log");
  const BatchBytes whole = fixture.disk().contents(file);
  for (std::size_t size = whole.size() - kTail; size < whole.size(); ++size) {
    fixture.drop();
    fixture.disk().set_contents(file, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    const std::size_t kept = *std::prev(std::ranges::upper_bound(ends, size));
    const bool survived = size % 2 == 0;

    fixture.reopen_after({.known = RecoveryPoint{}, .writes_survived = survived});

    ASSERT_EQ(fixture.report().bytes_cut, size - kept) << size;
    ASSERT_TRUE(fixture.log().damage().empty());
    const BatchBytes now = fixture.disk().contents(file);
    ASSERT_TRUE(std::ranges::equal(now, Bytes(whole).first(kept))) << size;
    if (size == kept) continue;
    const std::string aside = file + "." + std::to_string(kept) + "-0.cut";
    ASSERT_TRUE(std::ranges::equal(fixture.disk().contents(aside), Bytes(whole).subspan(kept, size - kept))) << size;
    ASSERT_TRUE(fixture.disk().remove(aside));
  }
}

}  // namespace
}  // namespace tidelog::testing
