#include "proto/record/crc32c.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <cstring>

namespace tidelog::proto {
namespace {

/// ISA-L counts its bytes in an int.
constexpr std::size_t kMaxChunk = std::size_t{1} << 30;

std::uint32_t crc_by_library(std::uint32_t state, Bytes bytes) {
  while (!bytes.empty()) {
    const std::size_t chunk = std::min(bytes.size(), kMaxChunk);
    // The library does not write through the pointer; its C interface merely lacks the const.
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
    state = crc32_iscsi(data, static_cast<int>(chunk), state);
    bytes = bytes.subspan(chunk);
  }
  return state;
}

#if defined(__x86_64__)

/// The library's set-up pays off from here on; below it the instruction in a plain loop is quicker.
constexpr std::size_t kSmall = 256;

__attribute__((target("sse4.2"))) std::uint32_t crc_by_instruction(std::uint32_t state, Bytes bytes) {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t wide = state;
  for (; left >= sizeof(std::uint64_t); at += sizeof(std::uint64_t), left -= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  state = static_cast<std::uint32_t>(wide);
  for (; left > 0; ++at, --left) state = __builtin_ia32_crc32qi(state, static_cast<unsigned char>(*at));
  return state;
}

std::uint32_t crc_state(std::uint32_t state, Bytes bytes) {
  static const bool kHasInstruction = __builtin_cpu_supports("sse4.2");
  return bytes.size() < kSmall && kHasInstruction ? crc_by_instruction(state, bytes) : crc_by_library(state, bytes);
}

#else

std::uint32_t crc_state(std::uint32_t state, Bytes bytes) { return crc_by_library(state, bytes); }

#endif

}  // namespace

std::uint32_t crc32c(Bytes bytes) { return crc32c_extend(0, bytes); }

// ISA-L takes and gives the bare register, while the checksum is defined with all bits inverted before and after.
std::uint32_t crc32c_extend(std::uint32_t crc, Bytes bytes) { return ~crc_state(~crc, bytes); }

}  // namespace tidelog::proto
