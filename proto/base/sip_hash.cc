#include "proto/base/sip_hash.h"

#include <bit>
#include <cstring>

namespace tidelog {
namespace {

constexpr std::size_t kWord = 8;

/// The four words of SipHash.
struct State {
  std::uint64_t a, b, c, d;

  void round() {
    a += b;
    b = std::rotl(b, 13) ^ a;
    a = std::rotl(a, 32);
    c += d;
    d = std::rotl(d, 16) ^ c;
    a += d;
    d = std::rotl(d, 21) ^ a;
    c += b;
    b = std::rotl(b, 17) ^ c;
    c = std::rotl(c, 32);
  }

  void take(std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  }

  std::uint64_t finish() {
    for (int i = 0; i < 4; ++i) round();
    return a ^ b ^ c ^ d;
  }
};

/// Little-endian, as SipHash defines its words.
std::uint64_t load_word(const std::byte* at, std::size_t count = kWord) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, count);
  if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
  return word;
}

}  // namespace

Hash128 sip_hash(const HashSecret& secret, Bytes bytes) {
  State state{.a = secret[0] ^ 0x736f6d6570736575,
              .b = secret[1] ^ 0x646f72616e646f6d ^ 0xee,
              .c = secret[0] ^ 0x6c7967656e657261,
              .d = secret[1] ^ 0x7465646279746573};
  const std::size_t whole = bytes.size() / kWord * kWord;
  for (std::size_t at = 0; at < whole; at += kWord) state.take(load_word(bytes.data() + at));
  std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
  if (whole < bytes.size()) last |= load_word(bytes.data() + whole, bytes.size() - whole);
  state.take(last);
  Hash128 hash;
  state.c ^= 0xee;
  hash.low = state.finish();
  state.b ^= 0xdd;
  hash.high = state.finish();
  return hash;
}

}  // namespace tidelog
