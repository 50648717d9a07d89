#pragma once

#include "broker/shard/turns.h"
#include "storage/disk/file_system.h"

#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tidelog::broker {

/// A log whose size is asked for, and the answer.
struct LogSize {
  TopicPartition id;
  std::string directory;
  Result<std::uint64_t> bytes = Errc::io;
};

/// Asks the disk what logs take, whether they are in use or not. It looks into a few directories at a time and nowhere else in the broker
/// meanwhile; between two looks, syncs and cold reads have the disk's threads. Whoever waited takes what was found after it asked, so a
/// crowd that asks for the same costs little more than two.
/// Life: outlives whoever measures.  Thread: one loop, of one shard for the whole broker.
class LogSizes {
 public:
  LogSizes(Env& env, Loop& loop) : env_(env), loop_(loop), turns_(loop.executor()) {}
  LogSizes(const LogSizes&) = delete;
  LogSizes& operator=(const LogSizes&) = delete;

  /// Answers each of `logs`, and tells what room the disk of `log_dir` has: all of it as it was at some time since the call.
  asio::awaitable<Result<storage::DiskSpace>> measure(const std::string& log_dir, std::vector<LogSize>& logs);

 private:
  /// Looks at the disk, counted.
  using Look = std::uint64_t;
  struct Found {
    Look look;
    Result<std::uint64_t> bytes;
  };
  class Asking;

  asio::awaitable<void> look(const std::string& log_dir, std::span<LogSize* const> logs);
  [[nodiscard]] bool was_found_since(Look asked, LogSize& log) const;
  void forget_old();

  Env& env_;
  Loop& loop_;
  Turns turns_;
  std::multiset<Look> asked_;  ///< The last look when each of those asked that are not answered yet.
  struct Room {
    Look look = 0;
    Result<storage::DiskSpace> space = Errc::io;
  };
  std::map<TopicPartition, Found> found_;  ///< While somebody waits who may use it.
  std::map<std::string, Room> rooms_;      ///< Of each directory, the last that was seen.
  Look last_ = 0;
  Look forget_at_ = 0;  ///< What nobody can use any more is looked for at this look.
};

}  // namespace tidelog::broker
