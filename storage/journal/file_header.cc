#include "storage/journal/file_header.h"

#include "proto/base/endian.h"
#include "proto/record/crc32c.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

constexpr std::uint64_t kMagic = 0x7469'6465'6a6f'7572;  // "tidejour"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kVersionAt = 8, kCrcAt = 12, kDiskIdAt = 16, kNumberAt = 32, kFilesAt = 36, kFileBytesAt = 40, kSaltAt = 48,
                      kEnd = 56;
static_assert(kEnd == kJournalFileHeaderBytes);

}  // namespace

std::array<std::byte, kJournalFileHeaderBytes> encode(const JournalFileHeader& header) {
  std::array<std::byte, kJournalFileHeaderBytes> bytes{};
  store_be<std::uint64_t>(bytes.data(), kMagic);
  store_be<std::uint32_t>(bytes.data() + kVersionAt, kVersion);
  std::ranges::copy(header.disk_id.bytes, bytes.data() + kDiskIdAt);
  store_be<std::uint32_t>(bytes.data() + kNumberAt, header.number);
  store_be<std::uint32_t>(bytes.data() + kFilesAt, header.shape.files);
  store_be<std::uint64_t>(bytes.data() + kFileBytesAt, header.shape.file_bytes);
  store_be<std::uint64_t>(bytes.data() + kSaltAt, header.salt);
  store_be<std::uint32_t>(bytes.data() + kCrcAt, proto::crc32c(Bytes(bytes).subspan(kDiskIdAt)));
  return bytes;
}

Result<JournalFileHeader> decode_journal_file_header(Bytes bytes) {
  if (bytes.size() < kJournalFileHeaderBytes) return Errc::corrupt;
  const std::byte* at = bytes.data();
  if (load_be<std::uint64_t>(at) != kMagic || load_be<std::uint32_t>(at + kVersionAt) != kVersion) return Errc::corrupt;
  const Bytes covered = bytes.subspan(kDiskIdAt, kJournalFileHeaderBytes - kDiskIdAt);
  if (load_be<std::uint32_t>(at + kCrcAt) != proto::crc32c(covered)) return Errc::corrupt;
  JournalFileHeader header;
  std::copy_n(at + kDiskIdAt, header.disk_id.bytes.size(), header.disk_id.bytes.begin());
  header.number = load_be<std::uint32_t>(at + kNumberAt);
  header.shape = {.files = load_be<std::uint32_t>(at + kFilesAt), .file_bytes = load_be<std::uint64_t>(at + kFileBytesAt)};
  header.salt = load_be<std::uint64_t>(at + kSaltAt);
  const bool fits = header.number < header.shape.files && header.shape.file_bytes >= 2 * kJournalBlockBytes &&
                    header.shape.file_bytes % kJournalBlockBytes == 0;
  if (!fits) return Errc::corrupt;
  return header;
}

std::string journal_directory(const std::string& log_dir) { return log_dir + "/journal"; }

std::string journal_file(const std::string& log_dir, std::uint32_t number) {
  return journal_directory(log_dir) + (number < 10 ? "/0" : "/") + std::to_string(number);
}

}  // namespace tidelog::storage
