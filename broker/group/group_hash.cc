#include "broker/group/group_hash.h"

#include "proto/base/check.h"

#include <cstddef>

namespace tidelog::broker {
namespace {

constexpr std::uint32_t kReplacement = 0xFFFD;
constexpr std::uint32_t kFirstSupplementary = 0x10000;

struct Character {
  std::uint32_t code_point = kReplacement;
  std::size_t size_bytes = 1;
};

/// How a character begins: how many bytes there will be, what the first one contributes, and what the second one must be, so that no
/// character has two encodings.
struct Lead {
  std::size_t size_bytes;
  std::uint32_t bits;
  std::uint8_t second_from;
  std::uint8_t second_to;
};

constexpr Lead lead_of(std::uint8_t first) {
  if (first < 0x80) return {.size_bytes = 1, .bits = first, .second_from = 0, .second_to = 0};
  if (first < 0xC2 || first > 0xF4) return {.size_bytes = 1, .bits = kReplacement, .second_from = 0, .second_to = 0};
  if (first < 0xE0) return {.size_bytes = 2, .bits = first & 0x1FU, .second_from = 0x80, .second_to = 0xBF};
  if (first < 0xF0) {
    return {
        .size_bytes = 3, .bits = first & 0x0FU, .second_from = static_cast<std::uint8_t>(first == 0xE0 ? 0xA0 : 0x80), .second_to = 0xBF};
  }
  return {.size_bytes = 4,
          .bits = first & 0x07U,
          .second_from = static_cast<std::uint8_t>(first == 0xF0 ? 0x90 : 0x80),
          .second_to = static_cast<std::uint8_t>(first == 0xF4 ? 0x8F : 0xBF)};
}

constexpr bool is_surrogate(std::uint32_t code_point) { return code_point >= 0xD800 && code_point <= 0xDFFF; }

/// The first character of a text that is not empty. As much as may begin a character but does not go on to be one is one U+FFFD, and so is
/// a surrogate that was encoded on its own: this is how Java reads it.
Character first_character(std::string_view text) {
  const Lead lead = lead_of(static_cast<std::uint8_t>(text[0]));
  std::uint32_t code_point = lead.bits;
  for (std::size_t at = 1; at < lead.size_bytes; ++at) {
    const std::uint8_t from = at == 1 ? lead.second_from : 0x80;
    const std::uint8_t to = at == 1 ? lead.second_to : 0xBF;
    const auto next = at < text.size() ? static_cast<std::uint8_t>(text[at]) : std::uint8_t{0};
    if (next < from || next > to) return {.code_point = kReplacement, .size_bytes = at};
    code_point = code_point << 6 | (next & 0x3FU);
  }
  return {.code_point = is_surrogate(code_point) ? kReplacement : code_point, .size_bytes = lead.size_bytes};
}

}  // namespace

std::int32_t java_string_hash(std::string_view utf8) {
  std::uint32_t hash = 0;  // Java's arithmetic wraps around; here only that without sign may.
  while (!utf8.empty()) {
    const auto [code_point, size_bytes] = first_character(utf8);
    utf8.remove_prefix(size_bytes);
    if (code_point >= kFirstSupplementary) {
      hash = 31 * hash + (0xD800 + ((code_point - kFirstSupplementary) >> 10));
      hash = 31 * hash + (0xDC00 + (code_point & 0x3FF));
    } else {
      hash = 31 * hash + code_point;
    }
  }
  return static_cast<std::int32_t>(hash);
}

PartitionIndex partition_of_group(std::string_view group, std::int32_t partitions) {
  CHECK(partitions > 0);
  const std::int32_t hash = java_string_hash(group);
  if (hash == INT32_MIN) return {0};  // It has no positive counterpart; Kafka takes 0.
  return {(hash < 0 ? -hash : hash) % partitions};
}

}  // namespace tidelog::broker
