#pragma once

#include "proto/base/result.h"
#include "proto/base/types.h"
#include "proto/record/byte_buffer.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace tidelog::proto {

/// Bits 0-2 of a batch's attributes. The wire may carry 5 to 7, which nobody has: ask `is_known` first.
enum class Codec : std::uint8_t { none, gzip, snappy, lz4, zstd };

constexpr bool is_known(Codec codec) { return codec <= Codec::zstd; }

/// The name as in `compression.type`; empty for an unknown codec.
std::string_view name(Codec codec);

/// Inverse of `name`.
std::optional<Codec> parse_codec(std::string_view name);

/// What a reader lets a compressed batch grow to, given the limit for the compressed bytes.
constexpr std::size_t decompressed_limit(std::size_t compressed_limit) {
  return std::max<std::size_t>(std::size_t{16} << 20, 16 * compressed_limit);
}

/// Each codec's own default level.
inline constexpr int kDefaultLevel = -0x8000;

/// Appends `in`, compressed, to `out`. `level` is the codec's own (gzip 1-9, lz4 up to 12, zstd up to 22; snappy has none) and is brought
/// into its range. Needs in.size() < 2 GiB. Thread: any; contexts are kept per thread.
void compress(Codec codec, Bytes in, ByteBuffer& out, int level = kDefaultLevel);

struct DecompressLimit {
  std::size_t max_bytes = decompressed_limit(0);
};

/// Appends `in`, decompressed, to `out`. Contents are taken as hostile: memory grows with the bytes given and produced, never by what a
/// header announces, and beyond the limit the answer is `Errc::too_large`. Damaged data is `Errc::corrupt`, an unknown codec
/// `Errc::unsupported`. On an error `out` keeps what it held before the call.
Result<void> decompress(Codec codec, Bytes in, ByteBuffer& out, DecompressLimit limit = {});

}  // namespace tidelog::proto
