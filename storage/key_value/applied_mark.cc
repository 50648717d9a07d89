#include "storage/key_value/applied_mark.h"

#include "proto/base/endian.h"
#include "proto/record/crc32c.h"

#include <array>
#include <cstddef>
#include <span>

namespace tidelog::storage {
namespace {

constexpr std::byte kVersion{1};
constexpr std::size_t kLogId = 1, kNextOffset = 9, kEpoch = 17, kBatchCrc = 21, kCount = 25, kHashes = 33, kCrc = 41, kMarkBytes = 45;

Bytes as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Stays the same for ever, since sums are stored. The sizes are in it, so that no byte can move from the key to the value.
std::uint64_t hash_of(std::string_view key, std::string_view value) {
  std::array<std::byte, 16> sizes{};
  store_be<std::uint64_t>(sizes.data(), key.size());
  store_be<std::uint64_t>(sizes.data() + 8, value.size());
  const std::uint32_t crc_of_key = proto::crc32c_extend(proto::crc32c(sizes), as_bytes(key));
  const std::uint32_t crc = proto::crc32c_extend(crc_of_key, as_bytes(value));
  // Two checksums of 32 bits in one word, then mixed: sums of plain CRCs, which are linear, would cancel out.
  std::uint64_t mixed = (std::uint64_t{crc_of_key} << 32U | crc) + 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31U);
}

}  // namespace

void EntrySum::add(std::string_view key, std::string_view value) {
  ++count_;
  hashes_ += hash_of(key, value);
}

void EntrySum::remove(std::string_view key, std::string_view value) {
  --count_;
  hashes_ -= hash_of(key, value);
}

std::string encode_applied_mark(const AppliedMark& mark) {
  std::array<std::byte, kMarkBytes> bytes{};
  bytes[0] = kVersion;
  store_be<std::uint64_t>(&bytes[kLogId], mark.log_id);
  store_be<std::int64_t>(&bytes[kNextOffset], mark.point.next_offset.value);
  store_be<std::int32_t>(&bytes[kEpoch], mark.point.epoch.value);
  store_be<std::uint32_t>(&bytes[kBatchCrc], mark.point.batch_crc);
  store_be<std::uint64_t>(&bytes[kCount], mark.entries.count());
  store_be<std::uint64_t>(&bytes[kHashes], mark.entries.hashes());
  store_be<std::uint32_t>(&bytes[kCrc], proto::crc32c(Bytes(bytes).first(kCrc)));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<AppliedMark> decode_applied_mark(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  if (bytes.size() != kMarkBytes) return Errc::corrupt;
  const std::byte* at = bytes.data();
  if (proto::crc32c(bytes.first(kCrc)) != load_be<std::uint32_t>(at + kCrc)) return Errc::corrupt;
  if (bytes[0] != kVersion) return Errc::unsupported;
  return AppliedMark{.log_id = load_be<std::uint64_t>(at + kLogId),
                     .point = {.next_offset = {load_be<std::int64_t>(at + kNextOffset)},
                               .epoch = {load_be<std::int32_t>(at + kEpoch)},
                               .batch_crc = load_be<std::uint32_t>(at + kBatchCrc)},
                     .entries = {load_be<std::uint64_t>(at + kCount), load_be<std::uint64_t>(at + kHashes)}};
}

}  // namespace tidelog::storage
