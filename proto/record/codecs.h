#pragma once

#include "proto/base/result.h"
#include "proto/record/byte_buffer.h"

// One pair per codec, behind compression.h, which says what they promise. `max_bytes` bounds the bytes appended.
namespace tidelog::proto::codecs {

void gzip_compress(Bytes in, ByteBuffer& out, int level);
Result<void> gzip_decompress(Bytes in, ByteBuffer& out, std::size_t max_bytes);

void snappy_compress(Bytes in, ByteBuffer& out);
Result<void> snappy_decompress(Bytes in, ByteBuffer& out, std::size_t max_bytes);

void lz4_compress(Bytes in, ByteBuffer& out, int level);
Result<void> lz4_decompress(Bytes in, ByteBuffer& out, std::size_t max_bytes);

void zstd_compress(Bytes in, ByteBuffer& out, int level);
Result<void> zstd_decompress(Bytes in, ByteBuffer& out, std::size_t max_bytes);

/// Hands a streaming decoder room at the end of a buffer, at most the limit in all: each piece is as large as what was produced so far,
/// so memory follows output and not announcements.
class OutputWindow {
 public:
  OutputWindow(ByteBuffer& out, std::size_t max_bytes) : out_(out), begin_(out.size()), max_bytes_(max_bytes) {}

  /// Room to write into; empty once the limit is reached. `used` of it count after `commit`.
  MutableBytes open() {
    const std::size_t made = produced();
    const std::size_t room = std::min(max_bytes_ - made, std::clamp(made, kLeastPiece, kLargestPiece));
    return {out_.extend(room), room};
  }
  void commit(MutableBytes room, std::size_t used) { out_.truncate(out_.size() - room.size() + used); }
  [[nodiscard]] std::size_t produced() const { return out_.size() - begin_; }
  [[nodiscard]] bool is_full() const { return produced() == max_bytes_; }

 private:
  static constexpr std::size_t kLeastPiece = 16 * 1024;
  static constexpr std::size_t kLargestPiece = std::size_t{1} << 20;
  ByteBuffer& out_;
  std::size_t begin_;
  std::size_t max_bytes_;
};

}  // namespace tidelog::proto::codecs
