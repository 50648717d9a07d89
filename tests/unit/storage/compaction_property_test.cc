#include "tests/support/clean_log.h"
#include "tests/support/reference_cleaner.h"
#include "tests/unit/storage/log_fixture.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

namespace tidelog::testing {
namespace {

constexpr std::int64_t kRetention = 5000;
constexpr proto::Codec kCodecs[] = {proto::Codec::none,   proto::Codec::none, proto::Codec::gzip,
                                    proto::Codec::snappy, proto::Codec::lz4,  proto::Codec::zstd};

/// A random log and what it must hold, side by side.
class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), fixture_(config()) { now_ = {1'000'000}; }

  void run() {
    const int rounds = 3 + dice(6);
    for (int round = 0; round < rounds && !::testing::Test::HasFailure(); ++round) {
      const int batches = 1 + dice(40);
      for (int i = 0; i < batches; ++i) append_something();
      now_ = now_ + dice(3000);
      ASSERT_TRUE(fixture_.sync());
      if (dice(8) == 0) delete_records();
      write_manifest();
      if (dice(4) == 0) fixture_.restart();
      if (dice(6) == 0) now_ = now_ + 2 * kRetention;
      const int passes = 1 + dice(3);
      for (int pass = 0; pass < passes; ++pass) clean();
    }
    check_producers();
  }

  [[nodiscard]] std::uint64_t passes() const { return passes_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  storage::LogConfig config() {
    storage::LogConfig config;
    config.segment_bytes = static_cast<std::uint32_t>(300 + dice(3000));
    config.index_interval_bytes = static_cast<std::uint32_t>(dice(500));
    config.compaction = {.is_on = true, .min_dirty_ratio = 0, .delete_retention_ms = kRetention};
    if (dice(4) == 0) config.compaction.codec = kCodecs[static_cast<std::size_t>(dice(6))];
    return config;
  }

  int dice(int sides) { return static_cast<int>(random_() % static_cast<std::uint64_t>(sides)); }

  PlainRecord record(Offset offset) {
    PlainRecord made{.offset = offset, .timestamp = now_ - dice(100)};
    if (dice(40) != 0) made.key = "key " + std::to_string(dice(keys_));
    if (dice(4) != 0) made.value = std::string(static_cast<std::size_t>(dice(40)), 'v');
    if (dice(5) == 0) made.headers = {{"name", "value"}, {"", std::nullopt}};
    return made;
  }

  PlainBatch data(ProducerId producer) {
    PlainBatch batch{.base = fixture_.log().end_offset(), .epoch = epoch_, .codec = kCodecs[static_cast<std::size_t>(dice(6))]};
    const int records = 1 + dice(6);
    for (int i = 0; i < records; ++i) batch.records.push_back(record(batch.base + i));
    batch.last = batch.base + (records - 1);
    batch.has_append_time = dice(8) == 0;
    for (PlainRecord& record : batch.records) {
      if (batch.has_append_time) record.timestamp = now_;
      batch.max_timestamp = std::max(batch.max_timestamp, record.timestamp);
    }
    if (producer.value < 0) return batch;
    batch.producer = producer;
    batch.producer_epoch = 0;
    batch.sequence = sequences_[producer.value];
    sequences_[producer.value] += records;
    return batch;
  }

  void append_something() {
    if (dice(30) == 0) epoch_ = epoch_ + 1;
    const int kind = dice(10);
    if (kind < 5) return append(data({-1}));
    if (kind < 8) return append(data({1 + dice(5)}));
    if (!has_transactions_) return;
    const ProducerId producer{100 + dice(3)};
    if (kind == 9) return end_transaction(producer);
    PlainBatch batch = data(producer);
    batch.is_transactional = true;
    open_.emplace(producer.value, batch.base);
    append(std::move(batch));
  }

  void end_transaction(ProducerId producer) {
    if (open_.erase(producer.value) == 0 && dice(5) != 0) return;
    PlainBatch batch{.base = fixture_.log().end_offset(), .epoch = epoch_, .producer = producer, .producer_epoch = 0};
    batch.last = batch.base;
    batch.is_control = batch.is_transactional = true;
    batch.max_timestamp = now_;
    std::string key(4, '\0');
    key[3] = static_cast<char>(dice(2));
    batch.records = {{.offset = batch.base, .timestamp = now_, .key = key, .value = std::string(6, '\0')}};
    append(std::move(batch));
  }

  void append(PlainBatch batch) {
    const std::vector<std::byte> bytes = encode(batch);
    const Bytes view(bytes);
    ASSERT_TRUE(fixture_.log().append(std::span(&view, 1)));
    for (Offset offset = batch.base; offset <= batch.last; ++offset) epochs_.push_back(batch.epoch);
    if (batch.producer.value >= 0 && !batch.is_control) last_of_[batch.producer.value] = {.epoch = 0, .last_offset = batch.last};
    if (batch.is_control) last_of_.try_emplace(batch.producer.value, storage::LastBatch{.epoch = 0});
    expected_.push_back(std::move(batch));
  }

  void delete_records() {
    const std::int64_t length = fixture_.log().end_offset().value;
    ASSERT_TRUE(fixture_.log().advance_log_start({length == 0 ? 0 : static_cast<std::int64_t>(random_() % (length / 4 + 1))}));
  }

  void write_manifest() {
    static_cast<void>(fixture_.log().recovery_state());
    fixture_.log().manifest_written();
    ASSERT_TRUE(fixture_.log().remove_segments_below_start());
  }

  Offset last_stable() {
    Offset stable = fixture_.log().end_offset();
    for (const auto& [producer, first] : open_) stable = std::min(stable, first);
    return stable;
  }

  void clean() {
    ASSERT_EQ(*fixture_.log().last_batches(), last_of_);
    storage::CleaningMeans means{.map_bytes = dice(3) == 0 ? static_cast<std::size_t>(dice(200)) : 1U << 16,
                                 .buffer_bytes = static_cast<std::size_t>(dice(5000)),
                                 .secret = {random_(), random_()}};
    const auto pass =
        clean_once(fixture_.log(), fixture_.faults(), {.now = now_, .limit = last_stable(), .means = means, .step_bytes = 100});
    ASSERT_TRUE(pass) << name(pass.error());
    if (!pass->has_value()) return;
    ++passes_;
    const ReferenceCleaner reference(expected_, {.plan = (*pass)->plan,
                                                 .now = now_,
                                                 .delete_retention_ms = kRetention,
                                                 .map_capacity = (*pass)->map_capacity,
                                                 .producers = last_of_,
                                                 .codec = fixture_.log().config().compaction.codec});
    if ((*pass)->counts.segments_before > 0) ASSERT_EQ((*pass)->cleaned.offset, reference.end());
    const std::size_t before = expected_.size();
    expected_ = reference.result();
    dropped_ += before - expected_.size();
    compare();
    if (dice(3) == 0) {
      fixture_.restart();
      compare();
    }
  }

  void compare() {
    const Offset start = fixture_.log().log_start_offset();
    const std::vector<PlainBatch> stored = decode_all(fixture_.read_all(start, 1 + static_cast<std::size_t>(dice(2000))));
    std::vector<PlainBatch> left;
    for (const PlainBatch& batch : stored) {
      for (Offset offset = batch.base; offset <= batch.last; ++offset) {
        ASSERT_EQ(batch.epoch, epochs_[static_cast<std::size_t>(offset.value)]) << offset.value;
      }
      if (!batch.is_filler()) left.push_back(batch);
    }
    std::vector<PlainBatch> wanted;
    for (const PlainBatch& batch : expected_) {
      if (batch.last >= start) wanted.push_back(batch);
    }
    ASSERT_EQ(left.size(), wanted.size());
    for (std::size_t i = 0; i < left.size(); ++i) ASSERT_EQ(left[i], wanted[i]) << "batch at offset " << left[i].base.value;
    check_times(wanted, start);
  }

  /// Lookups by time find what a look at every record finds.
  void check_times(const std::vector<PlainBatch>& batches, Offset start) {
    const TimestampMs wanted = now_ - dice(4000);
    const PlainRecord* first = nullptr;
    std::int64_t greatest = -1;
    for (const PlainBatch& batch : batches) {
      for (const PlainRecord& record : batch.records) {
        if (record.offset < start) continue;
        greatest = std::max(greatest, record.timestamp.value);
        if (first == nullptr && record.timestamp >= wanted) first = &record;
      }
    }
    const Offset end = fixture_.log().end_offset();
    const auto found = fixture_.log().offset_for_timestamp(wanted, end);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->has_value(), first != nullptr);
    if (first != nullptr) ASSERT_EQ((*found)->offset, first->offset);
    // A log start inside a batch leaves that batch's header saying more than its records in range keep.
    if (batches.empty() || batches.front().base < start) return;
    const auto newest = fixture_.log().max_timestamp(end);
    ASSERT_TRUE(newest);
    ASSERT_EQ(newest->has_value() ? (*newest)->timestamp.value : -1, greatest);
  }

  /// What the log alone says of producers, without a snapshot.
  void check_producers() {
    ASSERT_TRUE(fixture_.sync());
    const auto known = fixture_.log().recovery_state();
    fixture_.drop();
    for (const std::string& name : fixture_.disk().names(kLogDirectory)) {
      if (name.ends_with(".snapshot")) ASSERT_TRUE(fixture_.disk().remove(LogFixture::path(name)));
    }
    fixture_.reopen(known, true);
    ASSERT_FALSE(fixture_.log().is_offline()) << fixture_.log().offline_reason();
    const auto from_log = fixture_.log().last_batches();
    ASSERT_TRUE(from_log);
    for (const auto& [producer, last] : last_of_) {
      const auto found = from_log->find(producer);
      if (last.last_offset < known.log_start) continue;  // Its segment may be gone.
      ASSERT_TRUE(found != from_log->end()) << "producer " << producer;
      EXPECT_EQ(found->second, last) << "producer " << producer;
    }
  }

  std::mt19937_64 random_;
  LogFixture fixture_;
  TimestampMs now_;
  LeaderEpoch epoch_{0};
  int keys_ = 1 + dice(30);
  bool has_transactions_ = dice(2) == 0;
  std::map<std::int64_t, std::int32_t> sequences_;
  std::map<std::int64_t, Offset> open_;
  storage::LastBatches last_of_;
  std::vector<LeaderEpoch> epochs_;  ///< By offset.
  std::vector<PlainBatch> expected_;
  std::uint64_t passes_ = 0;
  std::uint64_t dropped_ = 0;
};

TEST(Compaction, EqualsThePlainReferenceOnRandomHistories) {
  const char* const wanted = std::getenv("TIDELOG_COMPACTION_SEEDS");
  const std::uint64_t seeds = wanted == nullptr ? 2000 : std::strtoull(wanted, nullptr, 10);
  std::uint64_t passes = 0;
  std::uint64_t dropped = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed);
    history.run();
    passes += history.passes();
    dropped += history.dropped();
    if (::testing::Test::HasFailure()) break;
  }
  EXPECT_GT(passes, seeds) << "histories that are never cleaned show nothing";
  EXPECT_GT(dropped, 10 * seeds);
}

}  // namespace
}  // namespace tidelog::testing
