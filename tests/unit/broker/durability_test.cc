// Rounds of syncs, and what ends them.
#include "broker/shard/durability.h"

#include "tests/support/faulty_files.h"
#include "tests/support/manual_env.h"
#include "tests/support/memory_files.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <optional>
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
  std::unique_ptr<Durability> make(LogDisk& disk) {
    return make_durability(shard_, disk, [this](DiskFailure, std::string failure) { failures_.push_back(std::move(failure)); });
  }

  LogDisk disk_{env_.directory()};
  std::vector<std::string> failures_;
  std::unique_ptr<Durability> durability_ = make(disk_);
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
  disk_.health->on_failure([&] { ++marks; });
  const auto other = make(disk_);
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

// What a failed sync of one directory may have lost is another's on the same file system (docs/decisions/0010-several-log-dirs.md).
TEST_F(DurabilityTest, AFailedSyncIsAboutEveryDirectoryOfItsDisk) {
  LogDisk beside(env_.directory());
  beside.health = disk_.health;
  LogDisk elsewhere(env_.directory());
  const auto its = make(beside);
  const auto others = make(elsewhere);
  ASSERT_TRUE(env_.files().open(env_.directory() + "/file", storage::OpenMode::create));
  DirectoryLog failing(env_.directory() + "/file");
  DirectoryLog sound(env_.directory());
  DirectoryLog on_another_disk(env_.directory());
  durability_->contribute(failing);
  its->contribute(sound);
  others->contribute(on_another_disk);

  env_.loop().run_ready();

  EXPECT_EQ(sound.finished, 0) << "acknowledged what the failed sync was about, too";
  EXPECT_EQ(on_another_disk.finished, 1);
}

TEST_F(DurabilityTest, ADirectoryThatIsGoneSaysNothingOfItsDisk) {
  LogDisk beside(env_.directory());
  beside.health = disk_.health;
  const auto its = make(beside);
  DirectoryLog gone(env_.directory() + "/gone");
  DirectoryLog sound(env_.directory());
  durability_->contribute(gone);
  its->contribute(sound);

  env_.loop().run_ready();

  EXPECT_TRUE(disk_.has_failed());
  EXPECT_EQ(sound.finished, 1);
}

asio::awaitable<void> wait_for(Durability& durability, std::optional<bool>& durable) {
  durable = co_await durability.contributed_are_durable();
}
asio::awaitable<void> wait_for_files(Durability& durability, DurableLog& log, std::optional<bool>& durable) {
  durable = co_await durability.sync_files({&log});
}

TEST_F(DurabilityTest, WhoWaitsForARoundThatNeverEndsIsTold) {
  DirectoryLog gone(env_.directory() + "/gone");
  std::optional<bool> contributed, files, later;
  durability_->contribute(gone);
  asio::co_spawn(env_.loop().executor(), wait_for(*durability_, contributed), asio::detached);
  asio::co_spawn(env_.loop().executor(), wait_for_files(*durability_, gone, files), asio::detached);

  env_.loop().run_ready();
  asio::co_spawn(env_.loop().executor(), wait_for_files(*durability_, gone, later), asio::detached);
  env_.loop().run_ready();

  EXPECT_EQ(contributed, false);
  EXPECT_EQ(files, false);
  EXPECT_EQ(later, false);
}

asio::awaitable<void> contribute_and_wait(Durability& durability, DurableLog& log, std::optional<bool>& durable) {
  durability.contribute(log);
  durable = co_await durability.contributed_are_durable();
}

TEST_F(DurabilityTest, WhoWaitsWhenTheDirectoryIsGivenUpIsTold) {
  DirectoryLog log(env_.directory());
  std::optional<bool> durable;
  asio::co_spawn(env_.loop().executor(), contribute_and_wait(*durability_, log, durable), asio::detached);
  env_.loop().post([&] {
    durability_->forget(log);
    durability_->give_up();
  });

  env_.loop().run_ready();

  EXPECT_EQ(durable, false);
}

TEST_F(DurabilityTest, OnlyAWriteToADiskThatIsIllOrGoneEndsTheService) {
  const auto log =
      storage::Log::create({.files = &env_.files(), .directory = env_.directory() + "/t-0"}, {.topic_id = {}, .log_id = 1}, {});
  ASSERT_TRUE(log);
  for (const Errc harmless : {Errc::no_space, Errc::refused, Errc::too_large}) durability_->write_failed(**log, harmless);
  const std::size_t after_harmless = failures_.size();

  durability_->write_failed(**log, Errc::io);
  durability_->write_failed(**log, Errc::not_found);

  EXPECT_EQ(after_harmless, 0U);
  EXPECT_EQ(failures_.size(), 2U);
}

// Whoever noted a failure may end the process: then the mark that the next start looks for has to be there.
TEST(DiskHealth, WhoNotesAFailureSecondWaitsForTheMark) {
  DiskHealth disk;
  std::promise<void> is_marking;
  std::promise<void> may_end;
  std::atomic<bool> is_marked = false;
  disk.on_failure([&] {
    is_marking.set_value();
    may_end.get_future().wait();
    is_marked = true;
  });
  std::thread first([&] { disk.note_failure(); });
  is_marking.get_future().wait();
  EXPECT_TRUE(disk.has_failed()) << "nothing is acknowledged meanwhile";
  std::thread second([&] {
    disk.note_failure();
    EXPECT_TRUE(is_marked);
  });
  may_end.set_value();
  first.join();
  second.join();
}

TEST(DiskHealth, ADiskThatFailedOnceIsNotSyncedAgain) {
  testing::MemoryFiles files;
  testing::FaultyFiles faults(files);
  DiskHealth disk;
  faults.fail_next("sync_disk");

  EXPECT_EQ(disk.sync(faults, ".").error(), Errc::io);
  EXPECT_EQ(disk.sync(faults, ".").error(), Errc::offline);
}

}  // namespace
}  // namespace tidelog::broker
