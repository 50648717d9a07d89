#include "bench/common/wire.h"

namespace tidelog::bench {

void Writer::put_uvarint(std::uint64_t value) {
  while (value >= 0x80) {
    put(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  put(static_cast<std::uint8_t>(value));
}

void Writer::put_string(std::string_view text) {
  put(static_cast<std::int16_t>(text.size()));
  append(text);
}

void Writer::put_compact_string(std::string_view text) {
  put_uvarint(text.size() + 1);
  append(text);
}

Bytes Reader::take_bytes(std::size_t count) {
  if (count > left_.size()) {
    ok_ = false;
    left_ = {};
    return {};
  }
  const Bytes taken = left_.first(count);
  left_ = left_.subspan(count);
  return taken;
}

std::uint64_t Reader::take_uvarint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const auto byte = take<std::uint8_t>();
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return value;
  }
  ok_ = false;
  return 0;
}

std::string_view Reader::take_string() {
  const auto size = take<std::int16_t>();
  if (size <= 0) return {};
  const Bytes bytes = take_bytes(static_cast<std::size_t>(size));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view Reader::take_compact_string() {
  const std::uint64_t size = take_uvarint();
  if (size <= 1) return {};
  const Bytes bytes = take_bytes(size - 1);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void Reader::skip_tags() {
  for (std::uint64_t count = take_uvarint(); count > 0 && ok_; --count) {
    take_uvarint();
    take_bytes(take_uvarint());
  }
}

}  // namespace tidelog::bench
