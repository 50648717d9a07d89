#include "proto/base/check.h"
#include "proto/record/codecs.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <memory>

namespace tidelog::proto::codecs {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

/// What every other zstd reader refuses by default; a batch with a larger window could be stored here and read by nobody.
constexpr unsigned kMaxWindowLog = 27;
constexpr std::size_t kMaxKeptContext = std::size_t{8} << 20;
constexpr std::size_t kLeastGuess = 16 * 1024;
constexpr std::size_t kUsualGrowth = 8;

std::uint32_t load_le32(Bytes from) {
  std::uint32_t value;
  std::memcpy(&value, from.data(), sizeof value);
  return value;
}

/// Whether a frame asks its reader to keep more than 2^27 bytes. Looks at the frame header only: magic, descriptor, window byte.
bool window_is_too_large(Bytes frame) {
  constexpr std::size_t kDescriptorAt = 4, kWindowAt = 5;
  constexpr unsigned kSingleSegment = 0x20, kLeastWindowLog = 10;
  if (frame.size() <= kWindowAt || load_le32(frame) != ZSTD_MAGICNUMBER) return false;
  if ((static_cast<unsigned>(frame[kDescriptorAt]) & kSingleSegment) != 0) return false;
  const auto window = static_cast<unsigned>(frame[kWindowAt]);
  const unsigned log = kLeastWindowLog + (window >> 3);
  return log > kMaxWindowLog || (log == kMaxWindowLog && (window & 7) != 0);
}

/// Decodes one frame into memory sized by guess, and again into four times as much while that is too small. The library's streaming
/// decoder would do it in one go but allocates the window that the frame header asks for, up to 128 MiB for a frame of 10 bytes.
Result<void> decompress_frame(Bytes frame, ByteBuffer& out, std::size_t max_bytes) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  CHECK(context != nullptr);
  const std::size_t begin = out.size();
  std::size_t room = std::min(max_bytes, std::max(kLeastGuess, frame.size() * kUsualGrowth));
  while (true) {
    const std::size_t size = ZSTD_decompressDCtx(context.get(), out.extend(room), room, frame.data(), frame.size());
    if (!ZSTD_isError(size)) {
      out.truncate(begin + size);
      return {};
    }
    out.truncate(begin);
    if (ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall) return Errc::corrupt;
    if (room == max_bytes) return Errc::too_large;
    room = std::min(max_bytes, room * 4);
  }
}

}  // namespace

void zstd_compress(Bytes in, ByteBuffer& out, int level) {
  thread_local std::unique_ptr<ZSTD_CCtx, FreeContext> context;
  if (!context) context.reset(ZSTD_createCCtx());
  CHECK(context != nullptr);
  const std::size_t begin = out.size();
  const std::size_t bound = ZSTD_compressBound(in.size());
  const int bounded = std::clamp(level, ZSTD_minCLevel(), ZSTD_maxCLevel());
  const std::size_t size = ZSTD_compressCCtx(context.get(), out.extend(bound), bound, in.data(), in.size(), bounded);
  CHECK(!ZSTD_isError(size));
  out.truncate(begin + size);
  if (ZSTD_sizeof_CCtx(context.get()) > kMaxKeptContext) context.reset();  // the highest levels take hundreds of megabytes
}

Result<void> zstd_decompress(Bytes in, ByteBuffer& out, std::size_t max_bytes) {
  const std::size_t begin = out.size();
  if (in.empty()) return Errc::corrupt;
  while (!in.empty()) {
    const std::size_t frame = ZSTD_findFrameCompressedSize(in.data(), in.size());
    if (ZSTD_isError(frame) || window_is_too_large(in)) return Errc::corrupt;
    const Result<void> done = decompress_frame(in.first(frame), out, max_bytes - (out.size() - begin));
    if (!done) return done.error();
    in = in.subspan(frame);
  }
  return {};
}

}  // namespace tidelog::proto::codecs
