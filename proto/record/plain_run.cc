#include "proto/record/plain_run.h"

#include "proto/record/varint.h"

#include <algorithm>
#include <cstring>

namespace tidelog::proto {
namespace {

/// Varints here take at most three bytes and are read without asking where the bytes end, so that many must be there: for length, timestamp
/// delta, offset delta, key length, and the length of a value behind a key of no bytes; and one for the attributes.
constexpr std::size_t kShortVarintBytes = 3;
constexpr std::size_t kRoomBytes = 5 * kShortVarintBytes + 1;
/// A length of -1, as it is written.
constexpr std::uint32_t kNullLength = 1;

std::size_t left(const std::byte* at, const std::byte* end) { return static_cast<std::size_t>(end - at); }

/// Takes a varint of at most three bytes as it stands, zigzag and all. False for a longer one. Needs three readable bytes at `at`.
[[gnu::always_inline]] inline bool take_short(const std::byte*& at, std::uint32_t& raw) {
  raw = static_cast<std::uint32_t>(at[0]);
  if (raw < 0x80) return ++at, true;
  // The bit that says "more" goes with the sum, where it costs nothing.
  const auto second = static_cast<std::uint32_t>(at[1]);
  raw += (second << 7) - 0x80;
  if (second < 0x80) return at += 2, true;
  const auto third = static_cast<std::uint32_t>(at[2]);
  raw += (third << 14) - (0x80 << 7);
  at += 3;
  return third < 0x80;
}

bool is_ascii(Bytes text) {
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  std::uint64_t seen = 0;
  for (; text.size() >= sizeof seen; text = text.subspan(sizeof seen)) {
    std::uint64_t word;
    std::memcpy(&word, text.data(), sizeof word);
    seen |= word;
  }
  for (const std::byte each : text) seen |= static_cast<std::uint64_t>(each);
  return (seen & kHighBits) == 0;
}

/// Takes a piece behind its length; an empty one for a negative length, which means null.
bool take_piece(Bytes& from, std::int32_t& length, Bytes& piece) {
  if (!take_varint(from, length)) return false;
  const auto size = static_cast<std::size_t>(std::max(length, 0));
  if (size > from.size()) return false;
  piece = from.first(size);
  from = from.subspan(size);
  return true;
}

/// Whether `bytes`, which begin with the header count, are whole headers and nothing else, with names in ASCII.
[[gnu::noinline]] bool are_plain_headers(Bytes bytes) {
  std::int32_t count = 0;
  std::int32_t length = 0;
  Bytes piece;
  if (!take_varint(bytes, count) || count < 0) return false;
  for (; count > 0; --count) {
    if (!take_piece(bytes, length, piece) || length < 0 || !is_ascii(piece)) return false;
    if (!take_piece(bytes, length, piece)) return false;
  }
  return bytes.empty();
}

/// Whether a plain value and plain headers lie between `at` and `end`, where the record ends. Needs three readable bytes at `at`. Positions
/// only rise along a record, so if its last field ends where it should, all of them lie inside.
[[gnu::always_inline]] inline bool is_plain_rest(const std::byte* at, const std::byte* end) {
  std::uint32_t length = 0;
  if (!take_short(at, length)) return false;
  if ((length & 1) != 0 && length != kNullLength) [[unlikely]]
    return false;
  const std::ptrdiff_t behind_value = end - at - static_cast<std::ptrdiff_t>(length >> 1);
  if (behind_value == 1) return end[-1] == std::byte{0};
  return behind_value > 1 && are_plain_headers({end - behind_value, end});
}

/// Where the fields of a record end that stand before its key, and what they are.
struct Front {
  const std::byte* length;
  const std::byte* timestamp;
  const std::byte* offset;
  const std::byte* key_length;
  std::uint32_t raw_timestamp;
  std::uint32_t raw_key_length;
};

/// A run under way.
class Run {
 public:
  Run(Bytes records, std::int32_t first, std::int32_t end, bool needs_keys)
      : at_(records.data()),
        bytes_end_(records.data() + records.size()),
        index_(first),
        end_(end),
        null_key_(needs_keys ? 0 : kNullLength) {}  // 0 is even, so it is never compared with.

  void take_all() {
    Front front{};
    while (has_room()) {
      const std::byte* const start = at_;
      if (!take_one(front)) return;
      take_like(start, front);
    }
  }

  [[nodiscard]] PlainRun result(const std::byte* start, std::int32_t first) const {
    return {.size_bytes = left(start, at_), .count = index_ - first, .least_delta = least_delta_, .greatest_delta = greatest_delta_};
  }

 private:
  [[nodiscard]] bool has_room() const { return index_ < end_ && left(at_, bytes_end_) >= kRoomBytes; }

  /// The next record, whatever its fields look like.
  bool take_one(Front& front) {
    const std::byte* at = at_;
    std::uint32_t raw = 0;
    if (!take_short(at, raw) || (raw & 1) != 0 || raw >> 1 > left(at, bytes_end_)) return false;
    const std::byte* const end = at + (raw >> 1);
    front.length = at++;  // no bit of a record's attributes means anything
    if (!take_short(at, front.raw_timestamp)) return false;
    front.timestamp = at;
    if (!take_short(at, raw) || raw != static_cast<std::uint32_t>(index_) << 1) return false;
    front.offset = at;
    if (!take_short(at, raw) || ((raw & 1) != 0 && raw != null_key_)) return false;
    front.key_length = at;
    front.raw_key_length = raw;
    if ((raw >> 1) + kShortVarintBytes > left(at, bytes_end_) || !is_plain_rest(at + (raw >> 1), end)) return false;
    const std::int64_t delta = unzigzag(front.raw_timestamp);
    least_delta_ = std::min(least_delta_, delta);
    greatest_delta_ = std::max(greatest_delta_, delta);
    at_ = end;
    ++index_;
    return true;
  }

  void take_like(const std::byte* start, const Front& front);

  const std::byte* at_;
  const std::byte* bytes_end_;
  std::int32_t index_;
  std::int32_t end_;
  std::uint32_t null_key_;
  std::int64_t least_delta_ = PlainRun{}.least_delta;
  std::int64_t greatest_delta_ = PlainRun{}.greatest_delta;
};

constexpr std::uint64_t kMore = 0x80;  ///< In a byte of a varint: another one follows.
constexpr std::uint64_t kOdd = 0x01;   ///< In the first byte of a varint: what it holds is negative.

constexpr std::uint64_t byte_at(std::size_t place, std::uint64_t value) { return value << (8 * place); }

/// Most records look like the one before them: the same timestamp, the next offset, fields of the same sizes. Those are told by one
/// comparison of their first eight bytes, in which only the length, the attributes and the length of a key may be others.
void Run::take_like(const std::byte* start, const Front& front) {
  const std::size_t length_bytes = left(start, front.length);
  const std::size_t offset_at = left(start, front.timestamp);
  const std::size_t offset_bytes = left(front.timestamp, front.offset);
  const std::size_t key_length_at = left(start, front.offset);
  const bool fits = length_bytes <= 2 && left(front.offset, front.key_length) == 1 && key_length_at < sizeof(std::uint64_t);
  if (!fits) return;
  const std::uint64_t mask = kMore | kOdd | (length_bytes == 2 ? byte_at(1, kMore) : 0) |
                             (byte_at(key_length_at, 1) - byte_at(length_bytes + 1, 1)) |  // timestamp and offset: all bits
                             byte_at(key_length_at, front.raw_key_length == kNullLength ? 0xff : kMore | kOdd);
  const std::uint64_t more_offset = byte_at(offset_at, 0x8080 & ((std::uint64_t{1} << (8 * (offset_bytes - 1))) - 1));
  const std::uint64_t next_offset = byte_at(offset_at, 2);  // Zigzag counts in twos.
  const std::uint64_t high_length = length_bytes == 2 ? 0x1fc0 : 0;
  std::uint64_t expected;
  std::memcpy(&expected, start, sizeof expected);
  expected &= mask;
  // Behind the last offset that has as many bytes the comparison would be of other fields.
  const std::int32_t end = std::min(end_, std::int32_t{1} << (7 * offset_bytes - 1));
  const std::byte* const bytes_end = bytes_end_;
  const std::byte* at = at_;
  std::int32_t index = index_;
  for (; index < end && left(at, bytes_end) >= kRoomBytes; ++index) {
    // What runs over the seven bits of a byte carries through its eighth, which was set and is set again, into the next.
    expected = (expected + next_offset) | more_offset;
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    if ((word & mask) != expected) break;
    const std::size_t length = ((word >> 1) & 0x3f) + ((word >> 2) & high_length);
    const std::size_t key_bytes = (word >> (8 * key_length_at + 1)) & 0x3f;
    const std::byte* const body = at + length_bytes;
    if (length > left(body, bytes_end)) break;
    const std::byte* const key = at + key_length_at + 1;
    if (key_bytes + kShortVarintBytes > left(key, bytes_end) || !is_plain_rest(key + key_bytes, body + length)) break;
    at = body + length;
  }
  at_ = at;
  index_ = index;
}

}  // namespace

PlainRun take_plain_run(Bytes records, std::int32_t first, std::int32_t end, bool needs_keys) {
  Run run(records, first, end, needs_keys);
  run.take_all();
  return run.result(records.data(), first);
}

}  // namespace tidelog::proto
