// Rounds of syncs, and what ends them.
#include "broker/shard/durability.h"
#include "tests/support/manual_env.h"

#include <gtest/gtest.h>

#include <functional>

namespace tidelog::broker {
namespace {

/// A log that is nothing but a directory, which may not be there.
class DirectoryLog final : public DurableLog {
 public:
  explicit DirectoryLog(std::string directory) : directory_(std::move(directory)) {}
  storage::SyncTicket begin_sync() override {
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

class DirectDurabilityTest : public ::testing::Test {
 protected:
  ManualEnv env_;
  Shard shard_{env_, 0, {.request_bytes = 1U << 20, .response_bytes = 1U << 20}};
  std::vector<std::string> failures_;
  std::unique_ptr<Durability> durability_ =
      make_direct_durability(shard_, [this](std::string failure) { failures_.push_back(std::move(failure)); });
};

// A directory that is gone says that the disk lost something, unless it went with its topic.
TEST_F(DirectDurabilityTest, ADirectoryThatIsGoneIsAFailure) {
  DirectoryLog log(env_.directory() + "/gone");
  durability_->contribute(log);

  env_.loop().run_ready();

  EXPECT_EQ(failures_, std::vector<std::string>{"not found"});
  EXPECT_EQ(log.finished, 0);
}

TEST_F(DirectDurabilityTest, ALogThatWasDeletedDuringItsRoundHarmsNobody) {
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

}  // namespace
}  // namespace tidelog::broker
