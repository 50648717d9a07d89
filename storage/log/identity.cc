#include "storage/log/identity.h"

#include "storage/log/file_names.h"
#include "storage/log/identity_file.h"

#include <charconv>

namespace tidelog::storage {
namespace {

constexpr std::size_t kHexDigits = 16;
constexpr std::uint64_t kLongestMetadata = 4096;
constexpr std::string_view kDeleteSuffix = "-delete", kStraySuffix = "-stray";

std::string to_hex(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex(kHexDigits, '0');
  for (std::size_t i = kHexDigits; i-- > 0; value >>= 4) hex[i] = kDigits[value & 15];
  return hex;
}

std::optional<std::uint64_t> parse_hex(std::string_view hex) {
  std::uint64_t value = 0;
  const char* const end = hex.data() + hex.size();
  const auto [stop, error] = std::from_chars(hex.data(), end, value, 16);
  if (hex.size() != kHexDigits || error != std::errc() || stop != end) return std::nullopt;
  return value;
}

/// Takes `key` and what follows it up to the end of the line off the front of `text`.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view key) {
  const std::size_t end = text.find('\n');
  if (!text.starts_with(key) || end == std::string_view::npos) return std::nullopt;
  const std::string_view value = text.substr(key.size(), end - key.size());
  text.remove_prefix(end + 1);
  return value;
}

}  // namespace

std::string log_directory_name(std::string_view topic, PartitionIndex partition) {
  return std::string(topic) + "-" + std::to_string(partition.value);
}

std::optional<LogDirectoryName> parse_log_directory_name(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) return std::nullopt;
  const std::string_view digits = name.substr(dash + 1);
  std::int32_t partition = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, partition);
  if (error != std::errc() || stop != end || partition < 0) return std::nullopt;
  if (std::to_string(partition) != digits) return std::nullopt;  // "-007": not a name that we would write
  return LogDirectoryName{.topic = std::string(name.substr(0, dash)), .partition = {partition}};
}

std::string encode_identity(const LogIdentity& identity) {
  return "version: 0\ntopic_id: " + identity.topic_id.to_string() + "\nlog_id: " + to_hex(identity.log_id) + "\n";
}

Result<LogIdentity> read_identity(const LogPlace& place) {
  const Result<std::string> text = read_file(*place.files, place.directory + "/" + std::string(kMetadataFile), kLongestMetadata);
  if (!text) return text.error() == Errc::too_large ? Errc::corrupt : text.error();
  std::string_view rest = *text;
  const std::optional<std::string_view> version = take_line(rest, "version: ");
  if (!version || *version != "0") return Errc::corrupt;
  const std::optional<std::string_view> topic = take_line(rest, "topic_id: ");
  if (!topic) return Errc::corrupt;
  const std::optional<std::string_view> id = take_line(rest, "log_id: ");
  const std::optional<std::uint64_t> log_id = id ? parse_hex(*id) : std::nullopt;
  const LogIdentity identity{.topic_id = Uuid::parse(*topic), .log_id = log_id.value_or(0)};
  if (!log_id || !rest.empty() || identity.topic_id.is_zero()) return Errc::corrupt;
  return identity;
}

static Result<std::string> rename_log(const LogPlace& place, std::uint64_t log_id, std::string_view suffix) {
  const std::string aside = place.directory + "." + to_hex(log_id) + std::string(suffix);
  if (const Result<void> renamed = place.files->rename(place.directory, aside); !renamed) return renamed.error();
  if (const Result<void> synced = place.files->sync_dir(parent_directory(place.directory)); !synced) return synced.error();
  return aside;
}

Result<std::string> set_log_aside(const LogPlace& place, std::uint64_t log_id) { return rename_log(place, log_id, kDeleteSuffix); }
Result<std::string> set_stray_aside(const LogPlace& place, std::uint64_t log_id) { return rename_log(place, log_id, kStraySuffix); }

bool is_set_aside(std::string_view name) {
  if (!name.ends_with(kDeleteSuffix)) return false;
  name.remove_suffix(kDeleteSuffix.size());
  const std::size_t dot = name.rfind('.');
  return dot != std::string_view::npos && parse_hex(name.substr(dot + 1)).has_value();
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace tidelog::storage
