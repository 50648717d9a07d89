#pragma once

#include "storage/disk/file_system.h"

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

namespace tidelog::broker {

/// Whether one file system can still be believed, for all log directories on it: what a failed sync of one lost may be another's.
/// Thread: any.
class DiskHealth {
 public:
  /// Nobody acknowledges anything of these directories after that. Returns once each of them is marked.
  void note_failure();
  [[nodiscard]] bool has_failed() const { return has_failed_.load(std::memory_order_acquire); }
  /// Syncs the whole file system that holds `path`. The system tells of a failed write-back once: whoever syncs next hears of nothing,
  /// and must not believe it. So this is the only way to sync it while the broker serves: one at a time, and what went wrong is noted
  /// before the next one begins. `Errc::offline`: it failed before. Blocks.
  Result<void> sync(storage::FileSystem& files, const std::string& path);
  /// `mark` is called once, on the thread that noted a failure, before anybody returns who notes one. Set before the first round.
  void on_failure(std::function<void()> mark) { marks_.push_back(std::move(mark)); }

 private:
  std::mutex syncing_;
  std::atomic<bool> has_failed_ = false;
  std::once_flag marking_;
  std::vector<std::function<void()>> marks_;
};

}  // namespace tidelog::broker
