#include "broker/quota/name_digest.h"

#include <bit>

namespace tidelog::broker {
namespace {

/// Up to eight bytes, the first the lowest.
std::uint64_t word_of(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  return word;
}

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  void mix(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    mix(2);
    v0 ^= word;
  }
  [[nodiscard]] std::uint64_t outcome() const { return v0 ^ v1 ^ v2 ^ v3; }
};

}  // namespace

NameDigest digest_of(std::string_view name, const DigestKey& key) {
  SipState state{.v0 = key[0] ^ 0x736f6d6570736575,
                 .v1 = key[1] ^ 0x646f72616e646f6d ^ 0xee,
                 .v2 = key[0] ^ 0x6c7967656e657261,
                 .v3 = key[1] ^ 0x7465646279746573};
  const std::uint64_t length = std::uint64_t{name.size()} << 56;
  for (; name.size() >= 8; name.remove_prefix(8)) state.take(word_of(name.substr(0, 8)));
  state.take(length | word_of(name));
  NameDigest digest;
  state.v2 ^= 0xee;
  state.mix(4);
  digest[0] = state.outcome();
  state.v1 ^= 0xdd;
  state.mix(4);
  digest[1] = state.outcome();
  return digest;
}

}  // namespace tidelog::broker
