#pragma once

#include "broker/env/env.h"
#include "proto/codec/output.h"
#include "storage/disk/file_system.h"

#include <memory>
#include <vector>

namespace tidelog::broker {

/// Bytes of a file that belong into a response. Holding one keeps the file readable, whatever happens to its name (R13).
struct FileSlice {
  std::shared_ptr<const storage::File> file;
  std::uint64_t position = 0;
  std::uint64_t size_bytes = 0;
};

/// What a connection still has to send: response bytes, with file slices where the output has gaps.
/// Thread: one loop.
class SendQueue {
 public:
  /// Responses are encoded straight into this.
  proto::Output& output() { return output_; }
  /// Notes a slice; encode its size with the token returned.
  std::uint32_t add(FileSlice slice);

  [[nodiscard]] bool empty() const { return sent_ == output_.size() && gap_ == output_.gaps().size(); }
  [[nodiscard]] std::uint64_t unsent_bytes() const { return output_.total_bytes() - sent_total_; }
  /// Sent since it was made; never falls.
  [[nodiscard]] std::uint64_t ever_sent_bytes() const { return sent_before_ + sent_total_; }
  /// Memory that it holds, file bytes not counted.
  [[nodiscard]] std::size_t held_bytes() const { return output_.capacity() + slices_.capacity() * sizeof(FileSlice); }
  /// Sends until all is gone or the stream takes no more (`would_block`). Any other error ends the connection: a file shorter than its
  /// slice is one (`corrupt`), since the peer was promised bytes that are not there.
  Result<void> send(Stream& stream);
  /// Gives memory back if nothing is left to send; a peer that says nothing shall cost nothing.
  void release_if_empty();
  /// Forgets what is left: the peer is gone.
  void drop();

 private:
  Result<void> send_memory(Stream& stream, std::size_t end);
  Result<void> send_slice(Stream& stream, const FileSlice& slice);
  void clear();

  proto::Output output_;
  std::vector<FileSlice> slices_;
  std::size_t sent_ = 0;  ///< Of the output's own bytes.
  std::size_t gap_ = 0;   ///< Gaps whose slice has been sent whole.
  std::uint64_t sent_of_slice_ = 0;
  std::uint64_t sent_total_ = 0;
  std::uint64_t sent_before_ = 0;  ///< Before the last `clear`.
};

}  // namespace tidelog::broker
