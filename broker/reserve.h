#pragma once

#include "storage/disk/file_system.h"

#include <atomic>
#include <mutex>
#include <string>

namespace tidelog::broker {

/// Space of a log directory's disk that is kept back, as a file that nobody reads. When the disk is full it is let go bit by bit, so that a
/// broker can still start and what makes room again can still be written down.
///
/// Thread: any.
/// Crash: how much is left is the size of the file.
class Reserve {
 public:
  /// `size_bytes` 0: none is kept.
  Reserve(storage::FileSystem& files, const std::string& directory, std::uint64_t size_bytes);

  /// What a part is wanted for. The last one is kept for what makes room.
  enum class Use : std::uint8_t { going_on, making_room };
  /// Lets go of the next part. False if there is none left for this use.
  bool release(Use use);
  /// Makes it whole if the disk has room for that and more. True if it was made whole by this call.
  bool restore();
  [[nodiscard]] bool is_whole() const { return held_bytes_.load() == size_bytes_; }
  [[nodiscard]] std::uint64_t held_bytes() const { return held_bytes_.load(); }

 private:
  bool fill();

  storage::FileSystem& files_;
  std::string directory_;
  std::string path_;
  std::uint64_t part_bytes_;
  std::uint64_t size_bytes_;
  std::mutex mutex_;  ///< Over changes of the file.
  std::atomic<std::uint64_t> held_bytes_{0};
};

}  // namespace tidelog::broker
