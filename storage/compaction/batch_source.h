#pragma once

#include "proto/record/batch.h"
#include "storage/disk/file_system.h"
#include "storage/log/leader_epochs.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tidelog::storage {

/// Reads the batches of sealed segments one after the other, each as a whole and checked: CRC, contiguous offsets, epochs that do not fall.
/// Memory is the buffer, or one batch where that is larger. Thread: one at a time; blocks.
class BatchSource {
 public:
  explicit BatchSource(std::size_t buffer_bytes);

  /// Goes on with a file of `size_bytes` whose first batch has to begin at `base`.
  void open(std::unique_ptr<File> file, std::uint64_t size_bytes, Offset base);
  /// The next batch, valid until the next call; nothing at the end of the file. `Errc::corrupt`: what stands there is not what was written.
  Result<std::optional<proto::BatchView>> next();
  /// The next call of `next` gives the current batch again.
  void rewind();

  [[nodiscard]] bool is_open() const { return file_ != nullptr; }
  void close() { file_.reset(); }
  /// Where the current batch begins.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// Bytes read from files since this was asked last.
  [[nodiscard]] std::uint64_t take_read_bytes() { return std::exchange(read_bytes_, 0); }

 private:
  Result<Bytes> bytes_at(std::uint64_t position, std::size_t count);

  std::unique_ptr<File> file_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t position_ = 0;  ///< Of the current batch.
  std::uint64_t next_ = 0;
  Offset expected_{0};  ///< Where the next batch has to begin.
  Offset current_{0};
  LeaderEpoch epoch_{-1};
  std::size_t buffer_bytes_;
  std::vector<std::byte> buffer_;
  std::uint64_t buffered_from_ = 0;
  std::size_t buffered_ = 0;
  std::uint64_t read_bytes_ = 0;
};

}  // namespace tidelog::storage
