#include "storage/log/kept_aside.h"

#include "storage/log/file_names.h"
#include "storage/log/number_lines.h"

#include <algorithm>
#include <array>

namespace tidelog::storage {
namespace {

constexpr std::int64_t kKeptMs = 24LL * 3600 * 1000;
constexpr std::size_t kCopyBytes = 1U << 20;

Result<void> copy(const File& from, std::uint64_t position, std::uint64_t end, File& to) {
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(end - position, kCopyBytes)));
  for (std::uint64_t done = 0; position + done < end;) {
    const Result<std::size_t> got = from.read_at(position + done, buffer);
    if (!got) return got.error();
    if (*got == 0) break;
    const std::array<Bytes, 1> parts{Bytes(buffer).first(*got)};
    if (const Result<void> written = to.write_at(done, parts); !written) return written.error();
    done += *got;
  }
  return to.sync();
}

}  // namespace

std::string kept_aside_path(const std::string& directory, const KeptAside& what) {
  return offset_file(directory, what.segment_base, kLogSuffix) + "." + std::to_string(what.position) + "-" +
         std::to_string(what.since.value) + std::string(kCutSuffix);
}

std::optional<KeptAside> parse_kept_aside(std::string_view name) {
  const std::size_t dot = name.find(kLogSuffix);
  if (dot == std::string_view::npos || !name.ends_with(kCutSuffix)) return std::nullopt;
  const std::optional<Offset> base = parse_offset_file(name.substr(0, dot + kLogSuffix.size()), kLogSuffix);
  std::string_view rest = name.substr(dot + kLogSuffix.size());
  if (!base || !rest.starts_with('.')) return std::nullopt;
  rest.remove_prefix(1);
  const std::optional<std::uint64_t> position = take_number<std::uint64_t>(rest, '-');
  const std::optional<std::int64_t> since = position ? take_number<std::int64_t>(rest, '.') : std::nullopt;
  if (!since || "." + std::string(rest) != kCutSuffix) return std::nullopt;
  return KeptAside{.segment_base = *base, .position = *position, .since = {*since}};
}

bool is_past_keeping(const KeptAside& what, TimestampMs now) { return now - what.since > kKeptMs; }

Result<void> keep_aside(const LogPlace& place, const KeptAside& what, const File& from, std::uint64_t size_bytes) {
  FileSystem& files = *place.files;
  const std::string& directory = place.directory;
  const Result<std::vector<DirEntry>> entries = files.list(directory);
  if (!entries) return entries.error();
  const std::string path = kept_aside_path(directory, what);
  const Result<std::unique_ptr<File>> to = files.open(path, OpenMode::replace);
  if (!to) return to.error();
  if (const Result<void> copied = copy(from, what.position, what.position + size_bytes, **to); !copied) {
    static_cast<void>(files.remove(path).has_value());
    return copied.error();
  }
  // Its name has to outlive the bytes that are cut next.
  if (const Result<void> synced = files.sync_dir(directory); !synced) return synced.error();
  for (const DirEntry& entry : *entries) {
    const std::optional<KeptAside> other = parse_kept_aside(entry.name);
    const bool is_same = other && other->segment_base == what.segment_base && other->position == what.position;
    if (is_same && *other != what) static_cast<void>(files.remove(directory + "/" + entry.name).has_value());
  }
  return {};
}

}  // namespace tidelog::storage
