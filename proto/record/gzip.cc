#include "proto/base/check.h"
#include "proto/record/codecs.h"

#include <zlib.h>

namespace tidelog::proto::codecs {
namespace {

/// The largest window, and 16 more for the gzip wrapping instead of zlib's own.
constexpr int kGzipWindow = MAX_WBITS + 16;
constexpr int kMemoryLevel = 8;

Bytef* as_input(Bytes in) { return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data())); }

/// Life: one per thread, since setting one up costs more than compressing a small batch.
class Deflater {
 public:
  Deflater() = default;
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() {
    if (is_open_) deflateEnd(&stream_);
  }

  z_stream& start(int level) {
    if (is_open_ && level == level_) {
      CHECK(deflateReset(&stream_) == Z_OK);
      return stream_;
    }
    if (is_open_) deflateEnd(&stream_);
    stream_ = {};
    is_open_ = deflateInit2(&stream_, level, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK;
    CHECK(is_open_);
    level_ = level;
    return stream_;
  }

 private:
  z_stream stream_{};
  int level_ = 0;
  bool is_open_ = false;
};

class Inflater {
 public:
  Inflater() { CHECK(inflateInit2(&stream_, kGzipWindow) == Z_OK); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  z_stream& start() {
    CHECK(inflateReset(&stream_) == Z_OK);
    return stream_;
  }

 private:
  z_stream stream_{};
};

bool begins_member(const z_stream& stream) {
  constexpr Bytef kMagic0 = 0x1f, kMagic1 = 0x8b;
  return stream.avail_in >= 2 && stream.next_in[0] == kMagic0 && stream.next_in[1] == kMagic1;
}

/// Decodes one gzip member; the stream then stands behind it.
Result<void> inflate_member(z_stream& stream, OutputWindow& window) {
  while (true) {
    const MutableBytes room = window.open();
    Bytef spare = 0;  // zlib wants some room even to find the end of a stream whose output is complete
    stream.next_out = room.empty() ? &spare : reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = room.empty() ? 1 : static_cast<uInt>(room.size());
    const int status = inflate(&stream, Z_NO_FLUSH);
    if (room.empty() && stream.avail_out == 0) return Errc::too_large;
    if (!room.empty()) window.commit(room, room.size() - stream.avail_out);
    if (status == Z_STREAM_END) return {};
    if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out != 0)) return Errc::corrupt;
  }
}

}  // namespace

void gzip_compress(Bytes in, ByteBuffer& out, int level) {
  thread_local Deflater deflater;
  z_stream& stream = deflater.start(std::clamp(level, Z_NO_COMPRESSION, Z_BEST_COMPRESSION));
  const std::size_t bound = deflateBound(&stream, in.size());
  const std::size_t begin = out.size();
  stream.next_in = as_input(in);
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.extend(bound));
  stream.avail_out = static_cast<uInt>(bound);
  CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.truncate(begin + bound - stream.avail_out);
}

Result<void> gzip_decompress(Bytes in, ByteBuffer& out, std::size_t max_bytes) {
  thread_local Inflater inflater;
  if (in.size() > std::size_t{1} << 31) return Errc::too_large;
  OutputWindow window(out, max_bytes);
  z_stream& stream = inflater.start();
  stream.next_in = as_input(in);
  stream.avail_in = static_cast<uInt>(in.size());
  // Members may follow one another; anything else behind the last one is passed over, as Kafka does.
  do {
    if (const Result<void> member = inflate_member(stream, window); !member) return member.error();
  } while (begins_member(stream) && inflateReset(&stream) == Z_OK);
  return {};
}

}  // namespace tidelog::proto::codecs
