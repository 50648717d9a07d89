#include "broker/partition/log_sizes.h"

#include "tests/support/manual_env.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <fstream>

namespace tidelog::broker {
namespace {

/// Holds what blocks until the test lets it run.
class HeldPool final : public BlockingPool {
 public:
  void run(Job job, Loop& back, Job done) override { held_.push_back({std::move(job), &back, std::move(done)}); }

  [[nodiscard]] std::size_t waiting() const { return held_.size(); }
  void run_one() {
    Held one = std::move(held_.front());
    held_.pop_front();
    one.job();
    one.back->post(std::move(one.done));
  }

 private:
  struct Held {
    Job job;
    Loop* back;
    Job done;
  };
  std::deque<Held> held_;
};

class HeldEnv final : public Env {
 public:
  storage::FileSystem& files() override { return world.files(); }
  Network& network() override { return world.network(); }
  BlockingPool& blocking() override { return pool; }
  Random& random() override { return world.random(); }
  std::span<const std::unique_ptr<Loop>> loops() override { return world.loops(); }

  ManualEnv world;
  HeldPool pool;
};

class LogSizesTest : public ::testing::Test {
 protected:
  struct Asker {
    std::vector<LogSize> logs;
    Result<storage::DiskSpace> space = Errc::io;
    bool has_answer = false;
  };

  [[nodiscard]] std::string directory(int log) const { return env_.world.directory() + "/log-" + std::to_string(log); }

  void write(int log, std::size_t bytes) {
    std::filesystem::create_directory(directory(log));
    std::ofstream(directory(log) + "/00000000000000000000.log") << std::string(bytes, 'x');
  }

  static asio::awaitable<void> measure(LogSizes& sizes, const std::string& log_dir, Asker& asker) {
    asker.space = co_await sizes.measure(log_dir, asker.logs);
    asker.has_answer = true;
  }

  /// Asks for logs 0 to `count` - 1.
  Asker& ask(int count) {
    Asker& asker = askers_.emplace_back();
    for (int i = 0; i < count; ++i) asker.logs.push_back({.id = {.topic_id = {}, .partition = {i}}, .directory = directory(i)});
    asio::co_spawn(env_.world.loop().executor(), measure(sizes_, env_.world.directory(), asker), asio::detached);
    env_.world.loop().run_ready();
    return asker;
  }

  void look() {
    env_.pool.run_one();
    env_.world.loop().run_ready();
  }

  /// How often the disk was looked at until all had their answers; never twice at a time.
  int finish() {
    int looks = 0;
    for (; env_.pool.waiting() > 0; ++looks) {
      EXPECT_EQ(env_.pool.waiting(), 1U);
      look();
    }
    for (const Asker& asker : askers_) EXPECT_TRUE(asker.has_answer);
    return looks;
  }

  HeldEnv env_;
  std::deque<Asker> askers_;
  LogSizes sizes_{env_, env_.world.loop()};
};

TEST_F(LogSizesTest, TellWhatEachTakesAndWhatIsNotThere) {
  write(0, 10);
  write(1, 0);

  const Asker& asker = ask(3);
  finish();

  EXPECT_EQ(asker.logs[0].bytes.value_or(99), 10U);
  EXPECT_EQ(asker.logs[1].bytes.value_or(99), 0U);
  EXPECT_FALSE(asker.logs[2].bytes.has_value());
  ASSERT_TRUE(asker.space.has_value());
  EXPECT_GT(asker.space->total_bytes, 0U);
}

TEST_F(LogSizesTest, TellTheDisksSpaceWhereThereIsNoLog) {
  const Asker& asker = ask(0);

  EXPECT_EQ(finish(), 1);
  EXPECT_TRUE(asker.space.has_value());
}

// A sync that is handed over meanwhile waits for one of these at most.
TEST_F(LogSizesTest, LookIntoAFewDirectoriesAtATime) {
  ask(100);

  EXPECT_EQ(finish(), 7);
}

// All but the first asked while it looked for the first time: that look is made again, once, and the others are shared.
TEST_F(LogSizesTest, ACrowdCostsLittleMoreThanOne) {
  for (int i = 0; i < 50; ++i) ask(100);

  EXPECT_EQ(finish(), 8);
}

// What was read, and not yet reported, when something was acknowledged and somebody asked for it.
TEST_F(LogSizesTest, TellNothingFromBeforeTheQuestion) {
  write(0, 10);
  const Asker& first = ask(1);
  env_.pool.run_one();

  write(0, 25);
  const Asker& second = ask(1);
  finish();

  EXPECT_EQ(first.logs[0].bytes.value_or(99), 10U);
  EXPECT_EQ(second.logs[0].bytes.value_or(99), 25U);
}

}  // namespace
}  // namespace tidelog::broker
