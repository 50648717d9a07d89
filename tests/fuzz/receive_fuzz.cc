// What a connection does with received bytes before any request is looked at: frames must come out the same for every chunking, and memory
// must follow what was received. The first byte is the largest chunk.
#include "broker/net/receive_buffer.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace tidelog::broker {
namespace {

constexpr std::size_t kLimit = 64 * 1024;

struct Outcome {
  std::vector<std::vector<std::byte>> frames;
  bool failed = false;
  bool operator==(const Outcome&) const = default;
};

Outcome split(Bytes input, std::size_t chunk) {
  const auto budget = std::make_shared<Budget>(std::size_t{16} << 20);
  ReceiveBuffer buffer(kLimit);
  Outcome outcome;
  std::size_t received = 0;
  while (!input.empty() && !outcome.failed) {
    if (const std::size_t needed = buffer.block_needed(); needed > 0) {
      if (!budget->try_take(needed)) std::abort();
      buffer.use_block(needed, budget);
    }
    const MutableBytes room = buffer.writable();
    const std::size_t n = std::min({input.size(), chunk, room.size()});
    std::memcpy(room.data(), input.data(), n);
    buffer.received(n);
    input = input.subspan(n);
    received += n;
    if (budget->used_bytes() > 8 * received + std::size_t{64} * 1024) std::abort();
    while (true) {
      const Result<ReceiveBuffer::Frame> frame = buffer.next_frame();
      if (!frame) {
        outcome.failed = frame.error() != Errc::would_block;
        break;
      }
      outcome.frames.emplace_back(frame->bytes.begin(), frame->bytes.end());
    }
  }
  return outcome;
}

}  // namespace
}  // namespace tidelog::broker

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const tidelog::Bytes input{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  const auto whole = tidelog::broker::split(input, SIZE_MAX);
  const auto pieces = tidelog::broker::split(input, std::size_t{1} + data[0]);
  if (!(whole == pieces)) std::abort();
  return 0;
}
