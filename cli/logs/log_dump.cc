#include "cli/logs/log_dump.h"

#include "cli/logs/dump_line.h"
#include "cli/logs/segment_dump.h"
#include "storage/log/damage.h"
#include "storage/log/file_names.h"
#include "storage/log/kept_aside.h"
#include "storage/log/leader_epochs.h"
#include "storage/log/producer_snapshot.h"
#include "storage/manifest.h"

#include <algorithm>
#include <array>

namespace tidelog::cli {
namespace {

constexpr std::uint64_t kLargestFile = 1U << 30;
constexpr std::size_t kIndexEntryBytes = 8, kTimeEntryBytes = 12;

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Dumped damaged(TextOut& out, const DumpStyle& style, std::string_view why) {
  out.put(DumpLine(style.is_json, "damage").field("cause", why).text());
  return Dumped::damaged;
}

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

Dumped dump_index(const std::string& text, Offset base, const DumpStyle& style, TextOut& out) {
  const Bytes bytes = bytes_of(text);
  std::size_t at = 0;
  for (; at + kIndexEntryBytes <= bytes.size(); at += kIndexEntryBytes) {
    out.put(DumpLine(style.is_json, "index")
                .field("offset", base.value + load_be<std::int32_t>(bytes.data() + at))
                .field("position", load_be<std::uint32_t>(bytes.data() + at + 4))
                .text());
  }
  return at == bytes.size() ? Dumped::whole : damaged(out, style, "its last entry is cut");
}

/// The entry behind the last one, with the checksum of both indexes.
bool is_seal(Bytes bytes, std::size_t at) {
  return at > 0 && at + kTimeEntryBytes == bytes.size() && load_be<std::int32_t>(bytes.data() + at + 8) == 0;
}

Dumped dump_time_index(const std::string& text, Offset base, const DumpStyle& style, TextOut& out) {
  const Bytes bytes = bytes_of(text);
  std::size_t at = 0;
  for (; at + kTimeEntryBytes <= bytes.size(); at += kTimeEntryBytes) {
    if (is_seal(bytes, at)) continue;
    out.put(DumpLine(style.is_json, "timeindex")
                .field("timestamp", load_be<std::int64_t>(bytes.data() + at))
                .field("offset", base.value + load_be<std::int32_t>(bytes.data() + at + 8))
                .text());
  }
  return at == bytes.size() ? Dumped::whole : damaged(out, style, "its last entry is cut");
}

Dumped dump_snapshot(const std::string& text, const DumpStyle& style, TextOut& out) {
  const auto entries = storage::decode_producer_snapshot(bytes_of(text));
  if (!entries) return damaged(out, style, "length, version or checksum is wrong");
  for (const storage::ProducerEntry& entry : *entries) {
    out.put(DumpLine(style.is_json, "producer")
                .field("producer_id", entry.id.value)
                .field("producer_epoch", entry.epoch)
                .field("last_sequence", entry.batch.last_sequence)
                .field("last_offset", entry.batch.last_offset.value)
                .field("offset_delta", entry.batch.offset_delta)
                .field("timestamp", entry.batch.timestamp.value)
                .text());
  }
  return Dumped::whole;
}

Dumped dump_epochs(const std::string& text, const DumpStyle& style, TextOut& out) {
  const auto epochs = storage::LeaderEpochs::decode(text);
  if (!epochs) return damaged(out, style, "it is not what was written");
  for (const storage::LeaderEpochs::Entry& entry : epochs->entries()) {
    out.put(DumpLine(style.is_json, "epoch").field("epoch", entry.epoch.value).field("start_offset", entry.start.value).text());
  }
  return Dumped::whole;
}

Dumped dump_ranges(const std::string& text, const DumpStyle& style, TextOut& out) {
  const auto damage = storage::Damage::decode(text);
  if (!damage) return damaged(out, style, "it is not what was written");
  for (const storage::DamagedRange& range : damage->ranges()) {
    out.put(DumpLine(style.is_json, "damaged")
                .field("from", range.from.value)
                .field("to", range.to.value)
                .field("segment", range.segment_base.value)
                .field("position", range.position)
                .field("end_position", range.end_position)
                .text());
  }
  return Dumped::whole;
}

Dumped dump_manifest(const std::string& text, const DumpStyle& style, TextOut& out) {
  const auto manifest = storage::decode_manifest(bytes_of(text));
  if (!manifest) return damaged(out, style, "length, version or checksum is wrong");
  out.put(DumpLine(style.is_json, "manifest")
              .field("clean", manifest->clean)
              .word("boot_id", manifest->boot_id.to_string())
              .field("logs", manifest->logs.size())
              .text());
  for (const storage::ManifestEntry& entry : manifest->logs) {
    out.put(DumpLine(style.is_json, "log")
                .word("topic_id", entry.partition.topic_id.to_string())
                .field("partition", entry.partition.partition.value)
                .field("log_id", entry.log_id)
                .field("log_start_offset", entry.recovery.log_start.value)
                .field("recovery_point", entry.recovery.offset.value)
                .field("segment", entry.recovery.segment_base.value)
                .field("position", entry.recovery.position)
                .text());
  }
  return Dumped::whole;
}

Dumped dump_lines(const std::string& text, const DumpStyle& style, TextOut& out) {
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out.put(DumpLine(style.is_json, "line").field("text", rest.substr(0, end)).text());
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return Dumped::whole;
}

/// A file that is small enough to be read at once, by its name.
Dumped dump_small(std::string_view name, const std::string& text, const DumpStyle& style, TextOut& out) {
  using namespace storage;  // NOLINT(google-build-using-namespace): the names of their files
  if (const auto base = parse_offset_file(name, kIndexSuffix)) return dump_index(text, *base, style, out);
  if (const auto base = parse_offset_file(name, kTimeIndexSuffix)) return dump_time_index(text, *base, style, out);
  if (parse_offset_file(name, kSnapshotSuffix)) return dump_snapshot(text, style, out);
  if (name == kEpochFile) return dump_epochs(text, style, out);
  if (name == kDamageFile) return dump_ranges(text, style, out);
  if (name == "manifest") return dump_manifest(text, style, out);
  return dump_lines(text, style, out);
}

bool is_segment(std::string_view name) { return storage::parse_offset_file(name, storage::kLogSuffix) || storage::parse_kept_aside(name); }

}  // namespace

bool is_dumpable(std::string_view name) {
  using namespace storage;  // NOLINT(google-build-using-namespace): the names of their files
  constexpr std::array kWhole{kEpochFile, kDamageFile, kMetadataFile, std::string_view("manifest"), std::string_view("meta.properties")};
  return is_segment(name) || parse_offset_file(name, kIndexSuffix) || parse_offset_file(name, kTimeIndexSuffix) ||
         parse_offset_file(name, kSnapshotSuffix) || std::ranges::find(kWhole, name) != kWhole.end();
}

Dumped dump_file(storage::FileSystem& files, const std::string& path, const DumpStyle& style, TextOut& out) {
  const std::string_view name = name_of(path);
  if (!is_dumpable(name)) return Dumped::unknown;
  out.put(DumpLine(style.is_json, "file").field("path", path).text());
  if (is_segment(name)) {
    const auto file = files.open(path, storage::OpenMode::read);
    if (!file) return Dumped::unreadable;
    const Result<bool> is_whole = dump_segment(**file, style, out);
    if (!is_whole) return Dumped::unreadable;
    return *is_whole ? Dumped::whole : Dumped::damaged;
  }
  const Result<std::string> text = storage::read_file(files, path, kLargestFile);
  return text ? dump_small(name, *text, style, out) : Dumped::unreadable;
}

}  // namespace tidelog::cli
