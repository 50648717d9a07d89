// Rounds of syncs, and what ends them.
#include "broker/shard/durability.h"

#include "tests/support/faulty_files.h"
#include "tests/support/manual_env.h"
#include "tests/support/memory_files.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <thread>

namespace tidelog::broker {
namespace {

/// A log that is nothing but a directory, which may not be there.
class DirectoryLog final : public DurableLog {
 public:
  explicit DirectoryLog(std::string directory) : directory_(std::move(directory)) {}
  [[nodiscard]] Pending pending() const override { return {}; }
  storage::SyncTicket begin_sync(storage::SyncMeans) override {
    if (on_begin) on_begin();
    storage::SyncTicket ticket;
    ticket.directories.push_back(directory_);
    return ticket;
  }
  void finish_sync(const storage::SyncTicket&) override { ++finished; }

  std::function<void()> on_begin;
  int finished = 0;

 private:
  std::string directory_;
};

class DurabilityTest : public ::testing::Test {
 protected:
  ManualEnv env_;
  Shard shard_{env_, 0, {.request_bytes = 1U << 20, .response_bytes = 1U << 20}};
  SharedJournal journal_;
  std::vector<std::string> failures_;
  std::unique_ptr<Durability> durability_ =
      make_durability(shard_, journal_, env_.directory(), [this](std::string failure) { failures_.push_back(std::move(failure)); });
};

// A directory that is gone says that the disk lost something, unless it went with its topic.
TEST_F(DurabilityTest, ADirectoryThatIsGoneIsAFailure) {
  DirectoryLog log(env_.directory() + "/gone");
  durability_->contribute(log);

  env_.loop().run_ready();

  EXPECT_EQ(failures_, std::vector<std::string>{"not found"});
  EXPECT_EQ(log.finished, 0);
}

/// The system tells of a failed write-back once, to whoever syncs first.
TEST_F(DurabilityTest, WhatOneShardHearsOfTheDiskHoldsForTheOthers) {
  int marks = 0;
  journal_.on_disk_failure([&] { ++marks; });
  const auto other =
      make_durability(shard_, journal_, env_.directory(), [this](std::string failure) { failures_.push_back(std::move(failure)); });
  ASSERT_TRUE(env_.files().open(env_.directory() + "/file", storage::OpenMode::create));
  DirectoryLog failing(env_.directory() + "/file");
  DirectoryLog sound(env_.directory());
  // Both rounds are synced before either shard hears how its own ended.
  durability_->contribute(failing);
  other->contribute(sound);

  env_.loop().run_ready();

  EXPECT_EQ(failures_.size(), 1U);
  EXPECT_EQ(marks, 1);
  EXPECT_EQ(sound.finished, 0) << "acknowledged what the failed sync was about, too";
}

TEST_F(DurabilityTest, ALogThatWasDeletedDuringItsRoundHarmsNobody) {
  DirectoryLog deleted(env_.directory() + "/gone");
  DirectoryLog other(env_.directory());
  deleted.on_begin = [&] { env_.loop().post([&] { durability_->forget(deleted); }); };
  durability_->contribute(deleted);
  durability_->contribute(other);

  env_.loop().run_ready();

  EXPECT_TRUE(failures_.empty());
  EXPECT_EQ(deleted.finished, 0);
  EXPECT_EQ(other.finished, 1);
}

// Whoever noted a failure may end the process: then the mark that the next start looks for has to be there.
TEST(SharedJournal, WhoNotesAFailureSecondWaitsForTheMark) {
  SharedJournal journal;
  std::promise<void> is_marking;
  std::promise<void> may_end;
  std::atomic<bool> is_marked = false;
  journal.on_disk_failure([&] {
    is_marking.set_value();
    may_end.get_future().wait();
    is_marked = true;
  });
  std::thread first([&] { journal.note_disk_failure(); });
  is_marking.get_future().wait();
  EXPECT_TRUE(journal.has_disk_failed()) << "nothing is acknowledged meanwhile";
  std::thread second([&] {
    journal.note_disk_failure();
    EXPECT_TRUE(is_marked);
  });
  may_end.set_value();
  first.join();
  second.join();
}

TEST(SharedJournal, ADiskThatFailedOnceIsNotSyncedAgain) {
  testing::MemoryFiles disk;
  testing::FaultyFiles faults(disk);
  SharedJournal journal;
  faults.fail_next("sync_disk");

  EXPECT_EQ(journal.sync_disk(faults, ".").error(), Errc::io);
  EXPECT_EQ(journal.sync_disk(faults, ".").error(), Errc::offline);
}

}  // namespace
}  // namespace tidelog::broker
