#include "tests/sim/checker.h"
#include "tests/sim/env.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

constexpr const char* kPath = "/toy.log";
/// A record is a line of this many bytes, so that a torn one is known by its end.
constexpr std::size_t kLineBytes = 64;

/// The smallest thing that promises durability: lines appended to a file, acknowledged in rounds once synced. It proves the disk, the
/// blocking pool and the checker without a broker. What it does wrong is up to the test.
struct ToyBugs {
  bool acks_before_sync = false;
  bool acks_end_of_report = false;  ///< Acknowledges all that is written when the sync reports, not what was there when it began.
};

class ToyLog {
 public:
  ToyLog(SimEnv& env, History& history, ToyBugs bugs)
      : env_(env), history_(history), bugs_(bugs), loop_(static_cast<SimLoop&>(*env.loops()[0])) {}

  bool open() {
    Result<std::unique_ptr<storage::File>> file = env_.files().open(kPath, storage::OpenMode::create);
    if (!file || !env_.files().sync_dir("/")) return false;
    file_ = std::move(*file);
    recover();
    // What recovery accepted must be safe before anybody is shown it.
    if (!file_->truncate(lines_.size() * kLineBytes) || !file_->sync()) return false;
    return true;
  }

  void append(std::string value) {
    const std::int64_t offset = static_cast<std::int64_t>(lines_.size());
    history_.sent[value] = {.number = offset, .needs_all = true};
    std::string line = value;
    line.resize(kLineBytes - 1, ' ');
    line += '\n';
    const std::array<Bytes, 1> part{std::as_bytes(std::span(line))};
    if (!file_->write_at(lines_.size() * kLineBytes, part)) return;
    lines_.push_back(std::move(value));
    if (bugs_.acks_before_sync) ack_below(lines_.size());
    if (!is_syncing_) begin_round();
  }

  [[nodiscard]] FinalLog contents() const {
    FinalLog log;
    for (std::size_t i = 0; i < lines_.size(); ++i) log[static_cast<std::int64_t>(i)] = lines_[i];
    return log;
  }

 private:
  void recover() {
    std::string line(kLineBytes, ' ');
    while (true) {
      const Result<std::size_t> n = file_->read_at(lines_.size() * kLineBytes, std::as_writable_bytes(std::span(line)));
      const std::size_t end = line.find(' ');
      const std::string value = line.substr(0, end);
      if (!n || *n < kLineBytes || line.back() != '\n' || !history_.sent.contains(value)) return;
      lines_.push_back(value);
    }
  }

  void begin_round() {
    is_syncing_ = true;
    const std::size_t end = lines_.size();
    env_.blocking().run([this] { (void)file_->sync(); }, loop_,
                        [this, end] {
                          is_syncing_ = false;
                          ack_below(bugs_.acks_end_of_report ? lines_.size() : end);
                          if (end < lines_.size()) begin_round();
                        });
  }

  void ack_below(std::size_t end) {
    for (; acked_ < end; ++acked_) {
      SentRecord& record = history_.sent.at(lines_[acked_]);
      record.outcome = Outcome::acked;
      record.offset = static_cast<std::int64_t>(acked_);
    }
  }

  SimEnv& env_;
  History& history_;
  ToyBugs bugs_;
  SimLoop& loop_;
  std::unique_ptr<storage::File> file_;
  std::vector<std::string> lines_;
  std::size_t acked_ = 0;
  bool is_syncing_ = false;
};

asio::awaitable<void> write_lines(SimLoop& loop, ToyLog& log, std::string prefix, Dice dice) {
  for (int i = 0; i < 50; ++i) {
    log.append(prefix + std::to_string(i));
    co_await loop.sleep(SteadyTime(dice.below(2'000'000)));
  }
}

/// Three lives, each ended by a loss of power.
std::vector<std::string> run_toy(std::uint64_t seed, ToyBugs bugs) {
  World world(seed);
  SimNetwork network(world, world.dice("network"));
  SimDisk disk(world, world.dice("disk"));
  History history;
  Dice dice = world.dice("toy");
  for (int life = 0; life <= 3; ++life) {
    const std::string name = "life " + std::to_string(life) + ".";
    SimEnv env({world, network, disk}, name, 1);
    SimLoop& loop = static_cast<SimLoop&>(*env.loops()[0]);
    ToyLog log(env, history, bugs);
    if (!log.open()) return {"cannot open"};
    if (life == 3) return check(history, {{0, log.contents()}});
    asio::co_spawn(loop.executor(), write_lines(loop, log, std::to_string(life) + "-", dice.split(name)), asio::detached);
    world.run_for(SteadyTime(dice.below(60'000'000)));
    env.kill(true);
    disk.crash(CrashKind::power_loss, {});
  }
  return {};
}

int count_caught(ToyBugs bugs) {
  int caught = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) caught += run_toy(seed, bugs).empty() ? 0 : 1;
  return caught;
}

TEST(ToyLog, KeepsItsPromisesWithoutBugs) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) EXPECT_EQ(run_toy(seed, {}), std::vector<std::string>()) << "seed=" << seed;
}

TEST(ToyLog, IsCaughtAcknowledgingBeforeTheSync) { EXPECT_GT(count_caught({.acks_before_sync = true}), 50); }

TEST(ToyLog, IsCaughtAcknowledgingWhatCameDuringTheSync) { EXPECT_GT(count_caught({.acks_end_of_report = true}), 20); }

}  // namespace
}  // namespace tidelog::sim
