#include "storage/manifest.h"

#include "proto/base/endian.h"
#include "proto/record/crc32c.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

constexpr std::uint64_t kMagic = 0x7469'6465'6d61'6e69;  // "tidemani"
constexpr std::uint32_t kVersion = 2;
constexpr std::uint32_t kFirstVersion = 1;  ///< Without a journal, and without the fields about it.
constexpr std::uint32_t kCleanFlag = 1, kDamageFlag = 2, kJournalFlag = 4;
/// Where the fields of the header begin; docs/formats.md has the table.
constexpr std::size_t kVersionAt = 8, kCrcAt = 12, kFlagsAt = 16, kBootIdAt = 20, kCountAt = 36, kFirstHeaderBytes = 40, kRunIdAt = 40,
                      kRoundAt = 48, kFileAt = 56, kJournalPositionAt = 60, kPreviousCrcAt = 68, kHeaderBytes = 72;
/// And those of an entry.
constexpr std::size_t kLogId = 0, kTopicId = 8, kPartition = 24, kLogStart = 28, kOffset = 36, kSegmentBase = 44, kPosition = 52,
                      kEntryBytes = 60;
/// Ten million logs: far above what a machine can hold open.
constexpr std::uint64_t kLargestManifest = 600U << 20;

std::string manifest_path(const std::string& log_dir) { return log_dir + "/manifest"; }

void store_entry(std::byte* at, const ManifestEntry& entry) {
  store_be<std::uint64_t>(at + kLogId, entry.log_id);
  std::ranges::copy(entry.partition.topic_id.bytes, at + kTopicId);
  store_be<std::int32_t>(at + kPartition, entry.partition.partition.value);
  store_be<std::int64_t>(at + kLogStart, entry.recovery.log_start.value);
  store_be<std::int64_t>(at + kOffset, entry.recovery.offset.value);
  store_be<std::int64_t>(at + kSegmentBase, entry.recovery.segment_base.value);
  store_be<std::uint64_t>(at + kPosition, entry.recovery.position);
}

Uuid load_uuid(const std::byte* at) {
  Uuid id;
  std::copy_n(at, id.bytes.size(), id.bytes.begin());
  return id;
}

ManifestEntry load_entry(const std::byte* at) {
  return {.partition = {load_uuid(at + kTopicId), {load_be<std::int32_t>(at + kPartition)}},
          .log_id = load_be<std::uint64_t>(at + kLogId),
          .recovery = {.log_start = {load_be<std::int64_t>(at + kLogStart)},
                       .offset = {load_be<std::int64_t>(at + kOffset)},
                       .segment_base = {load_be<std::int64_t>(at + kSegmentBase)},
                       .position = load_be<std::uint64_t>(at + kPosition)}};
}

void store_position(std::byte* header, const JournalPosition& from) {
  store_be<std::uint64_t>(header + kRunIdAt, from.run_id);
  store_be<std::uint64_t>(header + kRoundAt, from.round);
  store_be<std::uint32_t>(header + kFileAt, from.file);
  store_be<std::uint64_t>(header + kJournalPositionAt, from.position);
  store_be<std::uint32_t>(header + kPreviousCrcAt, from.previous_crc);
}

JournalPosition load_position(const std::byte* header) {
  return {.run_id = load_be<std::uint64_t>(header + kRunIdAt),
          .round = load_be<std::uint64_t>(header + kRoundAt),
          .file = load_be<std::uint32_t>(header + kFileAt),
          .position = load_be<std::uint64_t>(header + kJournalPositionAt),
          .previous_crc = load_be<std::uint32_t>(header + kPreviousCrcAt)};
}

bool is_plausible(const ManifestEntry& entry) {
  const RecoveryPoint& point = entry.recovery;
  return point.log_start.value >= 0 && point.segment_base.value >= 0 && point.offset >= point.segment_base && point.position <= INT64_MAX;
}

}  // namespace

void Manifest::sort() {
  if (!std::ranges::is_sorted(logs, {}, &ManifestEntry::partition)) std::ranges::sort(logs, {}, &ManifestEntry::partition);
}

const ManifestEntry* Manifest::find(const TopicPartition& partition) const {
  const auto found = std::ranges::lower_bound(logs, partition, {}, &ManifestEntry::partition);
  return found != logs.end() && found->partition == partition ? &*found : nullptr;
}

const ManifestEntry* Manifest::find(const TopicPartition& partition, std::uint64_t log_id) const {
  const ManifestEntry* entry = find(partition);
  return entry != nullptr && entry->log_id == log_id ? entry : nullptr;
}

std::string encode_manifest(Manifest& manifest) {
  manifest.sort();
  std::string out(kHeaderBytes + manifest.logs.size() * kEntryBytes, '\0');
  const MutableBytes bytes = std::as_writable_bytes(std::span(out));
  store_be<std::uint64_t>(bytes.data(), kMagic);
  store_be<std::uint32_t>(bytes.data() + kVersionAt, kVersion);
  const std::uint32_t flags =
      (manifest.clean ? kCleanFlag : 0) | (manifest.has_damage ? kDamageFlag : 0) | (manifest.replay_from ? kJournalFlag : 0);
  store_be<std::uint32_t>(bytes.data() + kFlagsAt, flags);
  if (manifest.replay_from) store_position(bytes.data(), *manifest.replay_from);
  std::ranges::copy(manifest.boot_id.bytes, bytes.data() + kBootIdAt);
  store_be<std::uint32_t>(bytes.data() + kCountAt, static_cast<std::uint32_t>(manifest.logs.size()));
  std::byte* at = bytes.data() + kHeaderBytes;
  for (const ManifestEntry& entry : manifest.logs) {
    store_entry(at, entry);
    at += kEntryBytes;
  }
  store_be<std::uint32_t>(bytes.data() + kCrcAt, proto::crc32c(bytes.subspan(kFlagsAt)));
  return out;
}

Result<Manifest> decode_manifest(Bytes bytes) {
  if (bytes.size() < kFirstHeaderBytes || load_be<std::uint64_t>(bytes.data()) != kMagic) return Errc::corrupt;
  const auto version = load_be<std::uint32_t>(bytes.data() + kVersionAt);
  if (version < kFirstVersion || version > kVersion) return Errc::corrupt;
  const std::size_t header_bytes = version == kFirstVersion ? kFirstHeaderBytes : kHeaderBytes;
  if (load_be<std::uint32_t>(bytes.data() + kCrcAt) != proto::crc32c(bytes.subspan(kFlagsAt))) return Errc::corrupt;
  const std::size_t count = load_be<std::uint32_t>(bytes.data() + kCountAt);
  if (bytes.size() != header_bytes + count * kEntryBytes) return Errc::corrupt;
  Manifest manifest;
  const auto flags = load_be<std::uint32_t>(bytes.data() + kFlagsAt);
  manifest.clean = (flags & kCleanFlag) != 0;
  manifest.has_damage = (flags & kDamageFlag) != 0;
  if (version > kFirstVersion && (flags & kJournalFlag) != 0) manifest.replay_from = load_position(bytes.data());
  manifest.boot_id = load_uuid(bytes.data() + kBootIdAt);
  manifest.logs.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    manifest.logs.push_back(load_entry(bytes.data() + header_bytes + i * kEntryBytes));
    if (!is_plausible(manifest.logs.back())) return Errc::corrupt;
  }
  manifest.sort();
  return manifest;
}

Result<LoadedManifest> load_manifest(FileSystem& files, const std::string& log_dir) {
  const Result<std::string> text = read_file(files, manifest_path(log_dir), kLargestManifest);
  if (!text && text.error() == Errc::not_found) return LoadedManifest{.state = ManifestState::missing};
  if (!text && text.error() == Errc::too_large) return LoadedManifest{.state = ManifestState::corrupt};
  if (!text) return text.error();
  Result<Manifest> manifest = decode_manifest(std::as_bytes(std::span(*text)));
  if (!manifest) return LoadedManifest{.state = ManifestState::corrupt};
  return LoadedManifest{.state = ManifestState::read, .manifest = std::move(*manifest)};
}

Result<void> store_manifest(FileSystem& files, const std::string& log_dir, Manifest& manifest) {
  return replace_file(files, manifest_path(log_dir), encode_manifest(manifest));
}

}  // namespace tidelog::storage
