#include "proto/record/compression.h"

#include <algorithm>
#include <cstdlib>

// Any bytes through every codec. Properties: no more than the limit comes out and memory stays near it; a refusal leaves the buffer as it
// was; what came out goes through the codec and back unchanged.

namespace {

using namespace tidelog;
using namespace tidelog::proto;

void require(bool holds) {
  if (!holds) std::abort();
}

void round_trip(Codec codec, Bytes plain) {
  ByteBuffer compressed;
  compress(codec, plain, compressed);
  ByteBuffer back;
  require(decompress(codec, compressed.bytes(), back, {.max_bytes = plain.size()}).has_value());
  require(std::ranges::equal(back.bytes(), plain));
}

}  // namespace

/// The first byte chooses codec and limit, the rest is compressed data.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::size_t kLimits[] = {0, 1, 1000, 100'000};
  const auto codec = static_cast<Codec>(data[0] & 7);
  const std::size_t limit = kLimits[(data[0] >> 3) & 3];
  const Bytes in = std::as_bytes(std::span(data + 1, size - 1));
  ByteBuffer out;
  const Result<void> done = decompress(codec, in, out, {.max_bytes = limit});
  require(out.size() <= (done ? limit : 0));
  require(out.capacity() <= 2 * limit + 64 * 1024);
  if (done) round_trip(codec, out.bytes());
  if (is_known(codec)) round_trip(codec, in);
  return 0;
}
