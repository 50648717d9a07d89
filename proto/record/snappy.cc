#include "proto/base/check.h"
#include "proto/base/endian.h"
#include "proto/record/codecs.h"

#include <snappy.h>

#include <array>

namespace tidelog::proto::codecs {
namespace {

// The framing of snappy-java, which Kafka's own clients write: a header, then blocks, each behind its length. Other clients write one
// bare block, so a reader has to look for the header.
constexpr std::array<unsigned char, 16> kHeader{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
constexpr std::size_t kMagicBytes = 8;
constexpr std::size_t kBlockBytes = 32 * 1024;
constexpr std::size_t kLengthBytes = 4;

/// A copy of 64 bytes takes 3: no block grows by more. A block that claims to is damaged, and nothing is allocated for it.
constexpr std::size_t kMostGrowth = 22;

bool begins_header(Bytes in) { return in.size() >= kHeader.size() && std::memcmp(in.data(), kHeader.data(), kMagicBytes) == 0; }

const char* as_chars(Bytes in) { return reinterpret_cast<const char*>(in.data()); }

Result<void> decompress_block(Bytes block, ByteBuffer& out, std::size_t max_bytes) {
  std::size_t claimed = 0;
  if (!::snappy::GetUncompressedLength(as_chars(block), block.size(), &claimed)) return Errc::corrupt;
  if (claimed / kMostGrowth > block.size()) return Errc::corrupt;
  if (claimed > max_bytes) return Errc::too_large;
  if (!::snappy::RawUncompress(as_chars(block), block.size(), reinterpret_cast<char*>(out.extend(claimed)))) return Errc::corrupt;
  return {};
}

Result<void> decompress_framed(Bytes in, ByteBuffer& out, std::size_t max_bytes) {
  const std::size_t begin = out.size();
  while (!in.empty()) {
    if (begins_header(in)) {  // also in the middle: whole streams get concatenated
      in = in.subspan(kHeader.size());
      continue;
    }
    if (in.size() < kLengthBytes) return Errc::corrupt;
    const auto length = load_be<std::uint32_t>(in.data());
    in = in.subspan(kLengthBytes);
    if (length > in.size()) return Errc::corrupt;
    const Result<void> block = decompress_block(in.first(length), out, max_bytes - (out.size() - begin));
    if (!block) return block.error();
    in = in.subspan(length);
  }
  return {};
}

}  // namespace

void snappy_compress(Bytes in, ByteBuffer& out) {
  out.append(std::as_bytes(std::span(kHeader)));
  while (!in.empty()) {
    const Bytes block = in.first(std::min(in.size(), kBlockBytes));
    const std::size_t begin = out.size();
    const std::size_t bound = ::snappy::MaxCompressedLength(block.size());
    std::byte* const at = out.extend(kLengthBytes + bound);
    std::size_t length = 0;
    ::snappy::RawCompress(as_chars(block), block.size(), reinterpret_cast<char*>(at + kLengthBytes), &length);
    store_be(at, static_cast<std::uint32_t>(length));
    out.truncate(begin + kLengthBytes + length);
    in = in.subspan(block.size());
  }
}

Result<void> snappy_decompress(Bytes in, ByteBuffer& out, std::size_t max_bytes) {
  return begins_header(in) ? decompress_framed(in, out, max_bytes) : decompress_block(in, out, max_bytes);
}

}  // namespace tidelog::proto::codecs
