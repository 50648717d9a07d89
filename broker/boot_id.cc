#include "broker/boot_id.h"

namespace tidelog::broker {
namespace {

constexpr const char* kPath = "/proc/sys/kernel/random/boot_id";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

Uuid boot_id(storage::FileSystem& files) {
  // Files of the kernel say that they are empty, so this one is read without asking for its size.
  Uuid id;
  const auto file = files.open(kPath, storage::OpenMode::read);
  if (!file) return id;
  std::array<std::byte, 64> text{};
  const Result<std::size_t> size = (*file)->read_at(0, text);
  if (!size) return id;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < *size && digits < 2 * id.bytes.size(); ++i) {
    const int value = hex_value(static_cast<char>(text[i]));
    if (value < 0) continue;
    id.bytes[digits / 2] |= static_cast<std::byte>(digits % 2 == 0 ? value << 4 : value);
    ++digits;
  }
  return id;
}

}  // namespace tidelog::broker
