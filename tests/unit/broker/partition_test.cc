// How a partition acknowledges, with a disk whose syncs finish when the test says so.
#include "broker/partition/partition.h"

#include "broker/partition/log_config.h"
#include "proto/record/builder.h"
#include "tests/support/manual_durability.h"
#include "tests/support/manual_env.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace tidelog::broker {
namespace {

constexpr Uuid kTopic{{std::byte{7}}};

/// One produced batch and what became of it.
struct Sent final : ProducePart::Owner {
  void on_part_done(ProducePart&) override { ++answers; }
  std::vector<std::byte> bytes;
  ProducePart part;
  int answers = 0;
};

class PartitionTest : public ::testing::Test {
 protected:
  PartitionTest() : shard_(env_, 0, {.request_bytes = 1 << 20, .response_bytes = 1 << 20}) { open(DurabilityMode::fsync); }

  void open(DurabilityMode mode, storage::FileSystem* files = nullptr) {
    TopicConfig config;
    config.durability = mode;
    auto log = storage::Log::create(
        {.files = files != nullptr ? files : &env_.files(), .directory = env_.directory() + "/t-" + std::to_string(++logs_)},
        {.topic_id = kTopic, .log_id = 1}, to_log_config(config, options_));
    ASSERT_TRUE(log);
    partition_ =
        std::make_unique<Partition>(shard_, durability_, Partition::Identity{.id = {.topic_id = kTopic, .partition = {0}}, .topic = "t"},
                                    std::move(*log), LeaderEpoch{3}, std::make_shared<const TopicConfig>(config));
  }

  /// Hands a batch over and lets the pass end.
  std::unique_ptr<Sent> produce(int records, std::int64_t producer = -1, std::int32_t sequence = -1, bool all = true) {
    proto::BatchBuilder builder;
    for (int i = 0; i < records; ++i) {
      const std::string value = "value " + std::to_string(i);
      builder.append({.timestamp = env_.loop().wall_clock(), .value = {reinterpret_cast<const std::byte*>(value.data()), value.size()}});
    }
    const Bytes batch = builder.build(
        {.producer_id = {producer}, .producer_epoch = static_cast<std::int16_t>(producer < 0 ? -1 : 0), .base_sequence = sequence});
    auto sent = hand_over(batch, all);
    env_.loop().run_ready();
    return sent;
  }

  std::unique_ptr<Sent> hand_over(Bytes batch, bool all = true) {
    auto sent = std::make_unique<Sent>();
    prepare(*sent, batch, all);
    partition_->produce(sent->part);
    return sent;
  }

  void prepare(Sent& sent, Bytes batch, bool all = true) {
    sent.bytes.assign(batch.begin(), batch.end());
    sent.part.id = partition_->id();
    sent.part.records = sent.bytes;
    sent.part.api_version = 11;
    sent.part.waits_for_all = all;
    sent.part.patience = std::chrono::seconds(30);
    sent.part.owner = &sent;
  }

  bool configure(const TopicConfig& config) {
    return partition_->set_config(std::make_shared<const TopicConfig>(config), to_log_config(config, options_));
  }

  std::vector<std::byte> keyed_batch() {
    proto::BatchBuilder builder;
    const Bytes key{reinterpret_cast<const std::byte*>("k"), 1};
    builder.append({.timestamp = env_.loop().wall_clock(), .key = key, .value = key});
    const Bytes batch = builder.build({});
    return {batch.begin(), batch.end()};
  }

  void finish_round() {
    durability_.begin_round();
    durability_.end_round(*partition_);
  }

  ManualEnv env_;
  BrokerOptions options_;
  Shard shard_;
  ManualDurability durability_;
  int logs_ = 0;
  std::unique_ptr<Partition> partition_;
};

TEST_F(PartitionTest, ATimedPartSaysWhatItTookAndItsNeighbourDoesNot) {
  const std::vector<std::byte> batch = keyed_batch();
  env_.loop().let_looking_take(std::chrono::milliseconds(1));
  const auto timed = hand_over(batch);
  timed->part.is_timed = true;
  const auto untimed = hand_over(batch);
  env_.loop().run_ready();

  // Each of the two looks around the check is a millisecond later, and half of the write's is this part's.
  EXPECT_GE(timed->part.spent, std::chrono::milliseconds(1));
  EXPECT_LT(timed->part.spent, std::chrono::milliseconds(10));
  EXPECT_EQ(untimed->part.spent, SteadyTime::zero());
}

TEST_F(PartitionTest, ARefusedPartThatIsTimedSaysWhatRefusingItTook) {
  std::vector<std::byte> batch = keyed_batch();
  batch.back() ^= std::byte{1};
  env_.loop().let_looking_take(std::chrono::milliseconds(1));
  const auto sent = hand_over(batch);
  sent->part.is_timed = true;
  env_.loop().run_ready();

  EXPECT_EQ(sent->answers, 1);
  EXPECT_NE(sent->part.error, ErrorCode::none);
  EXPECT_GE(sent->part.spent, std::chrono::milliseconds(1));
}

// Whoever is answered twice is gone the second time.
TEST_F(PartitionTest, APartThatIsRefusedIsAnsweredOnce) {
  proto::BatchBuilder builder;
  const Bytes value{reinterpret_cast<const std::byte*>("v"), 1};
  const auto built = [&](proto::BatchFields fields) {
    builder.append({.timestamp = env_.loop().wall_clock(), .value = value});
    return builder.build(fields);
  };
  produce(1, 7, 0);
  std::vector<std::unique_ptr<Sent>> sent;
  sent.push_back(hand_over(built({.producer_id = {7}, .producer_epoch = 0, .base_sequence = 1, .is_transactional = true})));
  sent.back()->part.has_transactional_id = true;
  sent.push_back(hand_over(built({.producer_id = {7}, .producer_epoch = 0, .base_sequence = 5})));
  std::vector<std::byte> torn = keyed_batch();
  torn.back() ^= std::byte{1};
  sent.push_back(hand_over(torn));
  env_.loop().run_ready();

  for (const auto& one : sent) {
    EXPECT_NE(one->part.error, ErrorCode::none);
    EXPECT_EQ(one->answers, 1) << one->part.error_message;
  }
}

TEST_F(PartitionTest, AcknowledgesAllOnlyWhenTheBytesAreDurable) {
  const auto sent = produce(3);
  const int before_sync = sent->answers;

  finish_round();

  EXPECT_EQ(before_sync, 0);
  EXPECT_EQ(sent->answers, 1);
  EXPECT_EQ(sent->part.error, ErrorCode::none);
  EXPECT_EQ(sent->part.base_offset, Offset{0});
  EXPECT_EQ(partition_->state().high_watermark, Offset{3});
}

// The timeout of a produce request: https://kafka.apache.org/protocol, key 0, timeout_ms.
TEST_F(PartitionTest, AProducerHearsInItsTimeOfASyncThatDoesNotEnd) {
  const auto patient = produce(1);
  auto hasty = std::make_unique<Sent>();
  prepare(*hasty, keyed_batch());
  hasty->part.patience = std::chrono::seconds(1);
  partition_->produce(hasty->part);
  env_.loop().run_ready();
  durability_.begin_round();

  for (int tick = 0; tick < 9; ++tick) env_.loop().advance(std::chrono::milliseconds(110));
  const int early = hasty->answers;
  for (int tick = 0; tick < 3; ++tick) env_.loop().advance(std::chrono::milliseconds(110));
  const int in_time = hasty->answers;
  durability_.end_round(*partition_);

  EXPECT_EQ(early, 0);
  EXPECT_EQ(in_time, 1);
  EXPECT_EQ(hasty->part.error, ErrorCode::request_timed_out);
  EXPECT_EQ(hasty->answers, 1) << "answered again when the sync ended";
  EXPECT_EQ(patient->answers, 1);
  EXPECT_EQ(patient->part.error, ErrorCode::none);
  EXPECT_EQ(partition_->state().high_watermark, Offset{2}) << "what timed out was written all the same";
}

TEST_F(PartitionTest, ARoundCoversOnlyWhatWasWrittenWhenItBegan) {
  const auto first = produce(1);
  durability_.begin_round();
  const auto second = produce(1);

  durability_.end_round(*partition_);

  EXPECT_EQ(first->answers, 1);
  EXPECT_EQ(second->answers, 0);
  EXPECT_EQ(partition_->state().high_watermark, Offset{1});
  EXPECT_TRUE(durability_.has_work());
}

TEST_F(PartitionTest, PageCacheModeAcknowledgesWhatIsWritten) {
  open(DurabilityMode::page_cache);

  const auto sent = produce(2);

  EXPECT_EQ(sent->answers, 1);
  EXPECT_EQ(sent->part.error, ErrorCode::none);
  EXPECT_FALSE(durability_.has_work());
  EXPECT_EQ(partition_->state().high_watermark, Offset{2});
}

// R4: what page-cache mode acknowledged is synced before the topic counts as fsync.
TEST_F(PartitionTest, RuleR4_SwitchingToFsyncSyncsWhatWasNeverSynced) {
  open(DurabilityMode::page_cache);
  const auto before = produce(2);

  const bool must_sync = configure({.durability = DurabilityMode::fsync});
  const bool has_round = durability_.has_work();
  const auto after = produce(1);
  const int early = after->answers;
  finish_round();

  EXPECT_EQ(before->answers, 1);
  EXPECT_TRUE(must_sync);
  EXPECT_TRUE(has_round);
  EXPECT_EQ(early, 0) << "acknowledged before it was durable";
  EXPECT_EQ(after->answers, 1);
  EXPECT_EQ(partition_->state().high_watermark, Offset{3});
}

TEST_F(PartitionTest, SwitchingToPageCacheLeavesNobodyWaiting) {
  const auto before = produce(1);

  const bool must_sync = configure({.durability = DurabilityMode::page_cache});
  durability_.begin_round();
  const auto after = produce(1);
  durability_.end_round(*partition_);

  EXPECT_FALSE(must_sync);
  EXPECT_EQ(before->answers, 1);
  EXPECT_EQ(after->answers, 1);
  EXPECT_EQ(partition_->state().high_watermark, Offset{2});
}

TEST_F(PartitionTest, ASettingHoldsFromTheNextBatchOn) {
  const auto before = produce(5);
  configure({.max_message_bytes = 20, .segment_bytes = 1 << 20});
  const auto after = produce(5);

  EXPECT_EQ(before->part.error, ErrorCode::none);
  EXPECT_EQ(after->part.error, ErrorCode::message_too_large);
  EXPECT_EQ(partition_->log().config().segment_bytes, 1U << 20);
}

// The checks of what takes long happen before its pass, and settings may change in between.
TEST_F(PartitionTest, APartThatWasCheckedAheadObeysTheSettingsThatHoldWhenItIsTaken) {
  const auto kept = std::make_unique<Sent>();
  const auto refused = std::make_unique<Sent>();
  for (Sent* sent : {kept.get(), refused.get()}) {
    prepare(*sent, keyed_batch());
    partition_->check(sent->part);
  }
  partition_->produce(kept->part);
  env_.loop().run_ready();
  configure({.durability = DurabilityMode::page_cache, .max_message_bytes = 20});
  partition_->produce(refused->part);
  env_.loop().run_ready();

  EXPECT_EQ(kept->part.error, ErrorCode::none);
  EXPECT_EQ(refused->part.error, ErrorCode::message_too_large);
}

// R2: the retry of a batch that is appended but not yet synced must not be told success before it is.
TEST_F(PartitionTest, RuleR2_ARetryWaitsForTheOriginalToBeDurable) {
  const auto original = produce(2, 77, 0);
  const auto retry = produce(2, 77, 0);
  const int before_sync = retry->answers;

  finish_round();

  EXPECT_EQ(before_sync, 0);
  EXPECT_EQ(original->answers, 1);
  EXPECT_EQ(retry->answers, 1);
  EXPECT_EQ(retry->part.error, ErrorCode::none);
  EXPECT_EQ(retry->part.base_offset, original->part.base_offset);
  EXPECT_EQ(partition_->state().log_end, Offset{2}) << "the retry was stored a second time";
}

// R3: whoever waited under an epoch that is over learns that the outcome is not known.
TEST_F(PartitionTest, RuleR3_AChangedLeaderEpochFailsTheWaiters) {
  const auto sent = produce(1);

  partition_->set_leader_epoch({4});
  finish_round();

  EXPECT_EQ(sent->answers, 1);
  EXPECT_EQ(sent->part.error, ErrorCode::not_leader_or_follower);
}

// R4: consumers of acks=1 records must not hang because only acks=all starts rounds.
TEST_F(PartitionTest, RuleR4_AnAppendWithAcksOneSchedulesARoundAndBecomesReadable) {
  const auto sent = produce(1, -1, -1, false);
  const int answered_at_once = sent->answers;
  const bool readable_before = !partition_->read({0}, 1 << 20, true)->empty();
  const bool round_scheduled = durability_.has_work();

  finish_round();

  EXPECT_EQ(answered_at_once, 1);
  EXPECT_FALSE(readable_before);
  EXPECT_TRUE(round_scheduled);
  EXPECT_FALSE(partition_->read({0}, 1 << 20, true)->empty());
}

/// A disk that is full for a while.
class FullDisk final : public storage::FileSystem {
 public:
  explicit FullDisk(storage::FileSystem& real) : real_(real) {}
  bool is_full = false;

  Result<std::unique_ptr<storage::File>> open(const std::string& path, storage::OpenMode mode) override {
    auto file = real_.open(path, mode);
    if (!file) return file.error();
    return std::unique_ptr<storage::File>(std::make_unique<Half>(std::move(*file), is_full));
  }
  Result<std::vector<storage::DirEntry>> list(const std::string& directory) override { return real_.list(directory); }
  Result<storage::DirEntry> stat(const std::string& path) override { return real_.stat(path); }
  Result<void> make_directory(const std::string& path) override { return real_.make_directory(path); }
  Result<void> rename(const std::string& from, const std::string& to) override { return real_.rename(from, to); }
  Result<void> remove(const std::string& path) override { return real_.remove(path); }
  Result<void> remove_all(const std::string& path) override { return real_.remove_all(path); }
  Result<void> sync_dir(const std::string& directory) override { return real_.sync_dir(directory); }
  Result<void> sync_disk(const std::string& path) override { return real_.sync_disk(path); }
  Result<storage::DiskSpace> space(const std::string& path) override { return real_.space(path); }
  Result<std::unique_ptr<storage::DirLock>> lock(const std::string& directory) override { return real_.lock(directory); }

 private:
  /// Full means that half of a write fits.
  class Half final : public storage::File {
   public:
    Half(std::unique_ptr<storage::File> file, const bool& is_full) : file_(std::move(file)), is_full_(is_full) {}
    Result<std::size_t> read_at(std::uint64_t position, MutableBytes into) const override { return file_->read_at(position, into); }
    Result<void> write_at(std::uint64_t position, std::span<const Bytes> parts) override {
      if (!is_full_) return file_->write_at(position, parts);
      const std::vector<Bytes> half{parts.front().first(parts.front().size() / 2)};
      static_cast<void>(file_->write_at(position, half).has_value());
      return Errc::no_space;
    }
    Result<void> truncate(std::uint64_t size) override { return file_->truncate(size); }
    Result<void> sync() override { return file_->sync(); }
    Result<std::uint64_t> size() const override { return file_->size(); }

   private:
    std::unique_ptr<storage::File> file_;
    const bool& is_full_;
  };

  storage::FileSystem& real_;
};

// R5: a batch that did not fit must leave no trace, or its retry is a duplicate of nothing.
TEST_F(PartitionTest, RuleR5_ARetryAfterAFullDiskIsAppended) {
  FullDisk disk(env_.files());
  open(DurabilityMode::page_cache, &disk);
  const auto before = produce(2, 77, 0);
  disk.is_full = true;
  const auto refused = produce(2, 77, 2);
  disk.is_full = false;

  const auto retry = produce(2, 77, 2);

  EXPECT_EQ(before->part.error, ErrorCode::none);
  EXPECT_EQ(refused->part.error, ErrorCode::kafka_storage_error);
  EXPECT_EQ(durability_.failed_writes, std::vector{Errc::no_space});
  EXPECT_EQ(retry->part.error, ErrorCode::none);
  EXPECT_EQ(retry->part.base_offset, Offset{2});
  EXPECT_EQ(partition_->state().log_end, Offset{4});
  partition_.reset();  // Before the disk below it.
}

// R10: what was on its way when its topic was deleted must not land in the next topic of the same name.
TEST_F(PartitionTest, RuleR10_ARetiredPartitionTakesNothingMore) {
  const auto waiting = produce(1);

  partition_->retire(ErrorCode::unknown_topic_or_partition);
  const auto late = produce(1);

  EXPECT_EQ(waiting->part.error, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(late->part.error, ErrorCode::unknown_topic_or_partition);
  EXPECT_EQ(partition_->state().log_end, Offset{1});
}

TEST_F(PartitionTest, KnowsItsEpochBeforeTheFirstRecord) {
  const LeaderEpoch empty = partition_->epoch_at({0});
  const storage::EpochEnd before = partition_->end_of_epoch({1});
  const storage::EpochEnd current = partition_->end_of_epoch({3});
  const storage::EpochEnd later = partition_->end_of_epoch({4});

  EXPECT_EQ(empty, LeaderEpoch{3});
  EXPECT_EQ(before, (storage::EpochEnd{.epoch = {1}, .end_offset = {0}}));
  EXPECT_EQ(current, (storage::EpochEnd{.epoch = {3}, .end_offset = {0}}));
  EXPECT_EQ(later, storage::EpochEnd{});
}

TEST_F(PartitionTest, EndsAnEpochWhereTheLeaderBeganThatHasWrittenNothingYet) {
  const auto sent = produce(2);

  partition_->set_leader_epoch({6});

  EXPECT_EQ(partition_->end_of_epoch({3}), (storage::EpochEnd{.epoch = {3}, .end_offset = {2}}));
  EXPECT_EQ(partition_->end_of_epoch({5}), (storage::EpochEnd{.epoch = {3}, .end_offset = {2}}));
  EXPECT_EQ(partition_->end_of_epoch({6}), (storage::EpochEnd{.epoch = {6}, .end_offset = {2}}));
  EXPECT_EQ(partition_->epoch_at({0}), LeaderEpoch{3});
}

TEST_F(PartitionTest, RefusesAGapInTheSequenceOfAProducer) {
  open(DurabilityMode::page_cache);
  produce(2, 77, 0);

  const auto gap = produce(1, 77, 5);

  EXPECT_EQ(gap->part.error, ErrorCode::out_of_order_sequence_number);
  EXPECT_EQ(partition_->state().log_end, Offset{2});
}

TEST_F(PartitionTest, TellsAWatchWhenMoreMayBeRead) {
  struct Watch final : FetchWatch {
    void on_more(std::int64_t bytes) override { told += bytes; }
    std::int64_t told = 0;
  } watch;
  partition_->watch(watch);

  const auto sent = produce(1);
  const std::int64_t before_sync = watch.told;
  finish_round();

  EXPECT_EQ(before_sync, 0);
  EXPECT_EQ(watch.told, static_cast<std::int64_t>(sent->bytes.size()));
}

TEST_F(PartitionTest, NobodyClosesTheLogThatACleaningWorksOn) {
  const auto sent = produce(5);
  finish_round();

  const std::shared_ptr<CleaningWork> work = partition_->begin_cleaning();
  partition_->log().release_unused();  // Somebody used it before.
  partition_->log().release_unused();
  EXPECT_TRUE(partition_->log().is_loaded());
  EXPECT_FALSE(partition_->log().release());

  partition_->end_cleaning();
  partition_->log().release_unused();
  EXPECT_FALSE(partition_->log().is_loaded());
}

class DeleteRecordsOf : public PartitionTest {
 protected:
  DeleteRecordsOf() {
    const auto sent = produce(5);
    finish_round();
  }
  ErrorCode error_of(std::int64_t before) {
    const Result<Offset, ErrorCode> start = partition_->delete_records({before});
    return start ? ErrorCode::none : start.error();
  }
};

TEST_F(DeleteRecordsOf, MovesTheLogStartUpAndNeverBack) {
  const auto first = partition_->delete_records({2});
  const auto lower = partition_->delete_records({1});

  EXPECT_EQ(*first, Offset{2});
  EXPECT_EQ(*lower, Offset{2});
  EXPECT_EQ(partition_->state().log_start, Offset{2});
  EXPECT_EQ(partition_->read({1}, 1 << 20, true).error(), Errc::out_of_range);
  EXPECT_FALSE(partition_->read({2}, 1 << 20, true)->empty());
}

TEST_F(DeleteRecordsOf, StopsAtTheHighWatermark) {
  const auto not_durable_yet = produce(3);

  const ErrorCode above = error_of(6);
  const auto all = partition_->delete_records({-1});

  EXPECT_EQ(above, ErrorCode::offset_out_of_range);
  EXPECT_EQ(*all, Offset{5});
  EXPECT_EQ(error_of(-2), ErrorCode::offset_out_of_range);
  EXPECT_EQ(partition_->state().log_end, Offset{8});
}

TEST_F(DeleteRecordsOf, IsRefusedWhereOnlyCompactionMayRemove) {
  auto compacted = std::make_shared<TopicConfig>();
  compacted->cleanup_policy = {"compact"};
  configure(*compacted);

  EXPECT_EQ(error_of(2), ErrorCode::policy_violation);
  EXPECT_EQ(error_of(99), ErrorCode::policy_violation);
  EXPECT_EQ(partition_->state().log_start, Offset{0});
}

TEST_F(DeleteRecordsOf, IsRefusedOfALogThatIsOffline) {
  partition_->log().take_offline("the test says so");

  EXPECT_EQ(error_of(2), ErrorCode::kafka_storage_error);
}

TEST_F(DeleteRecordsOf, WakesAFetchThatWaitsBelow) {
  struct Watch final : FetchWatch {
    void on_more(std::int64_t bytes) override { told = bytes; }
    std::int64_t told = 0;
  } watch;
  partition_->watch(watch);

  ASSERT_TRUE(partition_->delete_records({2}));

  EXPECT_LT(watch.told, 0);
}

}  // namespace
}  // namespace tidelog::broker
