#include "proto/record/plain_run.h"

#include "proto/record/varint.h"

#include <algorithm>
#include <concepts>
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

constexpr std::uint64_t kMore = 0x80;  ///< In a byte of a varint: another one follows.
constexpr std::uint64_t kOdd = 0x01;   ///< In the first byte of a varint: what it holds is negative.

constexpr std::uint64_t byte_at(std::size_t place, std::uint64_t value) { return value << (8 * place); }

template <std::unsigned_integral T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// What a record has in common with those that look like it: the same timestamp, the next offset, fields of the same sizes.
class Shape {
 public:
  Shape(const std::byte* start, const Front& front)
      : length_bytes_(left(start, front.length)),
        offset_at_(left(start, front.timestamp)),
        offset_bytes_(left(front.timestamp, front.offset)),
        key_length_at_(left(start, front.offset)),
        key_length_bytes_(left(front.offset, front.key_length)),
        raw_key_length_(front.raw_key_length) {}

  /// Whether what stands before a key is told by one comparison of eight bytes.
  [[nodiscard]] bool is_simple() const { return length_bytes_ <= 2 && key_length_bytes_ == 1 && key_length_at_ < sizeof(std::uint64_t); }

  // The others need a simple shape.
  [[nodiscard]] std::size_t length_bytes() const { return length_bytes_; }
  [[nodiscard]] std::size_t key_length_at() const { return key_length_at_; }
  [[nodiscard]] std::size_t value_length_at() const { return key_length_at_ + 1 + (raw_key_length_ >> 1); }
  /// Behind the last offset that has as many bytes the comparison would be of other fields.
  [[nodiscard]] std::int32_t offsets_end() const { return std::int32_t{1} << (7 * offset_bytes_ - 1); }

  /// The bits of the first eight bytes that are the same in all records of this shape, but for the offset.
  [[nodiscard]] std::uint64_t like_mask() const {
    return kMore | kOdd | (length_bytes_ == 2 ? byte_at(1, kMore) : 0) | times_and_offsets() |
           byte_at(key_length_at_, raw_key_length_ == kNullLength ? 0xff : kMore | kOdd);
  }
  /// Those that are the same if all lengths are, too.
  [[nodiscard]] std::uint64_t twin_mask() const {
    return (byte_at(length_bytes_, 1) - 1) | times_and_offsets() | byte_at(key_length_at_, 0xff);
  }
  /// Makes them those of the next record. What runs over the seven bits of a byte carries through its eighth, which was set and is set
  /// again, into the next.
  [[nodiscard]] std::uint64_t next(std::uint64_t bits) const { return (bits + byte_at(offset_at_, 2)) | more_offset(); }

 private:
  [[nodiscard]] std::uint64_t times_and_offsets() const { return byte_at(key_length_at_, 1) - byte_at(length_bytes_ + 1, 1); }
  [[nodiscard]] std::uint64_t more_offset() const {
    return byte_at(offset_at_, 0x8080 & ((std::uint64_t{1} << (8 * (offset_bytes_ - 1))) - 1));
  }

  std::size_t length_bytes_;
  std::size_t offset_at_;
  std::size_t offset_bytes_;
  std::size_t key_length_at_;
  std::size_t key_length_bytes_;
  std::uint32_t raw_key_length_;
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
      const std::byte* start = at_;
      if (!take_one(front)) return;
      if (!has_room()) return;
      if (const Shape shape(start, front); shape.is_simple()) {
        start = take_twins(start, shape);
        take_like(start, shape);
      }
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

  const std::byte* take_twins(const std::byte* start, const Shape& shape);
  void take_like(const std::byte* start, const Shape& shape);

  const std::byte* at_;
  const std::byte* bytes_end_;
  std::int32_t index_;
  std::int32_t end_;
  std::uint32_t null_key_;
  std::int64_t least_delta_ = PlainRun{}.least_delta;
  std::int64_t greatest_delta_ = PlainRun{}.greatest_delta;
};

/// Records are often as long as the one before them, value and all, and have no headers: two comparisons and a look at the last byte tell.
/// Returns where the last one begins.
const std::byte* Run::take_twins(const std::byte* start, const Shape& shape) {
  const std::size_t size = left(start, at_);
  const std::size_t value_length_at = shape.value_length_at();
  const std::byte* value = start + value_length_at;
  std::uint32_t raw = 0;
  static_cast<void>(take_short(value, raw));  // It was short before.
  const bool has_headers = left(value, at_) != (raw >> 1) + 1;
  // Of a shorter record, reading its lengths as words would go beyond it.
  const bool is_tiny = size < value_length_at + sizeof(std::uint32_t);
  const std::int32_t end = std::min(end_, shape.offsets_end());
  if (has_headers || is_tiny || index_ >= end) return start;
  const std::uint64_t mask = shape.twin_mask();
  const auto length_mask = static_cast<std::uint32_t>(byte_at(left(start + value_length_at, value), 1) - 1);
  const std::uint32_t value_length = load<std::uint32_t>(start + value_length_at) & length_mask;
  std::uint64_t expected = load<std::uint64_t>(start) & mask;
  const std::size_t most = std::min(static_cast<std::size_t>(end - index_), left(at_, bytes_end_) / size);
  const std::byte* at = at_;
  std::size_t count = 0;
  for (; count < most; ++count, at += size) {
    expected = shape.next(expected);
    if ((load<std::uint64_t>(at) & mask) != expected) break;
    if ((load<std::uint32_t>(at + value_length_at) & length_mask) != value_length || at[size - 1] != std::byte{0}) break;
  }
  at_ = at;
  index_ += static_cast<std::int32_t>(count);
  return at_ - size;
}

/// Takes those after the record at `start` that look like it.
void Run::take_like(const std::byte* start, const Shape& shape) {
  const std::size_t length_bytes = shape.length_bytes();
  const std::size_t key_length_at = shape.key_length_at();
  const std::uint64_t mask = shape.like_mask();
  const std::uint64_t high_length = length_bytes == 2 ? 0x1fc0 : 0;
  std::uint64_t expected = load<std::uint64_t>(start) & mask;
  const std::int32_t end = std::min(end_, shape.offsets_end());
  const std::byte* const bytes_end = bytes_end_;
  const std::byte* at = at_;
  std::int32_t index = index_;
  for (; index < end && left(at, bytes_end) >= kRoomBytes; ++index) {
    expected = shape.next(expected);
    const auto word = load<std::uint64_t>(at);
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
