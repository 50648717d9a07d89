#include "proto/base/check.h"
#include "proto/record/codecs.h"

#include <lz4frame.h>

namespace tidelog::proto::codecs {
namespace {

/// Life: one per call. The library sizes its buffers by the frame header (4 MiB at most), and a kept context would keep them.
class Decoder {
 public:
  Decoder() { CHECK(!LZ4F_isError(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION))); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { LZ4F_freeDecompressionContext(context_); }

  /// Takes bytes off `in`, fills `room`; how much of it, and whether the frame ended.
  struct Step {
    std::size_t written;
    bool is_end;
  };
  Result<Step> step(Bytes& in, MutableBytes room) {
    std::size_t written = room.size();
    std::size_t read = in.size();
    const std::size_t hint = LZ4F_decompress(context_, room.data(), &written, in.data(), &read, nullptr);
    if (LZ4F_isError(hint)) return Errc::corrupt;
    in = in.subspan(read);
    return Step{.written = written, .is_end = hint == 0};
  }

 private:
  LZ4F_dctx* context_ = nullptr;
};

}  // namespace

void lz4_compress(Bytes in, ByteBuffer& out, int level) {
  // Java's reader takes independent blocks only; its writer makes them of 64 KiB without checksums (the batch has its own).
  LZ4F_preferences_t preferences{};
  preferences.frameInfo.blockSizeID = LZ4F_max64KB;
  preferences.frameInfo.blockMode = LZ4F_blockIndependent;
  preferences.compressionLevel = std::clamp(level, 0, LZ4F_compressionLevel_max());
  const std::size_t begin = out.size();
  const std::size_t bound = LZ4F_compressFrameBound(in.size(), &preferences);
  const std::size_t size = LZ4F_compressFrame(out.extend(bound), bound, in.data(), in.size(), &preferences);
  CHECK(!LZ4F_isError(size));
  out.truncate(begin + size);
}

Result<void> lz4_decompress(Bytes in, ByteBuffer& out, std::size_t max_bytes) {
  if (in.empty()) return Errc::corrupt;
  Decoder decoder;
  OutputWindow window(out, max_bytes);
  while (true) {
    const MutableBytes room = window.open();
    std::byte spare{};  // at the limit, one byte of room tells a frame that goes on from one that ends here
    const MutableBytes target = room.empty() ? MutableBytes(&spare, 1) : room;
    const Result<Decoder::Step> step = decoder.step(in, target);
    if (!step) return step.error();
    if (room.empty() && step->written > 0) return Errc::too_large;
    if (!room.empty()) window.commit(room, step->written);
    if (step->is_end) return {};
    if (in.empty() && step->written < target.size()) return Errc::corrupt;
  }
}

}  // namespace tidelog::proto::codecs
