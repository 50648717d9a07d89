#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace tidelog {

/// For hash tables whose keys strangers choose. Without a secret they could choose keys that all fall into one bucket, and each look at the
/// table would go over all of them. Odd numbers without a pattern until the process draws its own.
class KeyedHash {
 public:
  static constexpr std::size_t kSecretWords = 4;
  using Secret = std::array<std::uint64_t, kSecretWords>;

  /// Once, before anything is hashed: tables do not survive a change, and threads see it with the first work they are given. The simulator
  /// never calls it, so that a seed replays.
  static void set_secret(const Secret& secret) { secret_ = secret; }
  [[nodiscard]] static const Secret& secret() { return secret_; }

  [[nodiscard]] static std::uint64_t of(std::uint64_t a, std::uint64_t b) { return fold(a ^ secret_[0], b ^ secret_[1]); }
  /// Goes on from the hash of what stands before.
  [[nodiscard]] static std::uint64_t with(std::uint64_t hash, std::uint64_t next) { return fold(hash ^ secret_[2], next ^ secret_[3]); }
  [[nodiscard]] static std::uint64_t of(std::string_view text) {
    std::uint64_t hash = of(text.size(), 0);
    for (; text.size() > kStep; text.remove_prefix(kStep)) hash = with(hash ^ load(text), load(text.substr(kStep / 2)));
    std::array<char, kStep> rest{};
    if (!text.empty()) std::memcpy(rest.data(), text.data(), text.size());
    const std::string_view last(rest.data(), kStep);
    return with(hash ^ load(last), load(last.substr(kStep / 2)));
  }

 private:
  static constexpr std::size_t kStep = 16;

  static std::uint64_t load(std::string_view from) {
    std::uint64_t word = 0;
    std::memcpy(&word, from.data(), sizeof word);
    return word;
  }
  /// Both halves of the product, so that each bit of the numbers moves all of the hash.
  static std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  }

  static inline constinit Secret secret_{0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb, 0xd6e8feb86659fd93};
};

/// Of numbers and strings, for unordered maps. Not noexcept for strings, whereby the map keeps each one's hash beside it.
struct KeyedHasher {
  std::size_t operator()(std::int64_t number) const noexcept { return KeyedHash::of(static_cast<std::uint64_t>(number), 0); }
  std::size_t operator()(std::string_view text) const { return KeyedHash::of(text); }
};

}  // namespace tidelog
