#include "broker/boot_id.h"

#include <fcntl.h>
#include <sys/stat.h>

namespace tidelog::broker {
namespace {

constexpr const char* kPath = "/proc/sys/kernel/random/boot_id";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

/// Tells mounts apart, also of one disk one after the other: a new one begins with an empty page cache. 0: not known.
std::uint64_t mount_of(const std::string& path) {
  struct statx about{};
  constexpr unsigned kUnique = 0x4000U;  // STATX_MNT_ID_UNIQUE, from Linux 6.8 on; before, a number may come again.
  if (::statx(AT_FDCWD, path.c_str(), 0, kUnique | STATX_MNT_ID, &about) < 0) return 0;
  return (about.stx_mask & (kUnique | STATX_MNT_ID)) == 0 ? 0 : about.stx_mnt_id;
}

}  // namespace

Uuid boot_id(storage::FileSystem& files, const std::string& path) {
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
  const std::uint64_t mount = mount_of(path);
  for (std::size_t i = 0; i < sizeof mount; ++i) id.bytes[i] ^= static_cast<std::byte>(mount >> (8 * i));
  return id;
}

}  // namespace tidelog::broker
