#include "storage/compaction/cleaner_checkpoint.h"

#include "storage/log/file_names.h"
#include "storage/log/segment.h"

#include <charconv>

namespace tidelog::storage {
namespace {

constexpr std::string_view kFile = "cleaner-checkpoint";
constexpr std::string_view kVersionLine = "0\n";
constexpr std::uint64_t kLargest = 64;

std::string path_of(const LogPlace& place) { return place.directory + "/" + std::string(kFile); }

/// Takes a number and `behind` off the front of `text`.
bool take(std::string_view& text, std::int64_t& number, char behind) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop == text.data() + text.size() || *stop != behind) return false;
  text.remove_prefix(static_cast<std::size_t>(stop + 1 - text.data()));
  return true;
}

}  // namespace

std::string encode_cleaner_checkpoint(const CleanedUpTo& cleaned) {
  return std::string(kVersionLine) + std::to_string(cleaned.offset.value) + " " + std::to_string(cleaned.earliest_horizon.value) + "\n";
}

CleanedUpTo decode_cleaner_checkpoint(std::string_view text) {
  CleanedUpTo cleaned;
  if (!text.starts_with(kVersionLine)) return {};
  text.remove_prefix(kVersionLine.size());
  if (!take(text, cleaned.offset.value, ' ') || !take(text, cleaned.earliest_horizon.value, '\n') || !text.empty()) return {};
  if (cleaned.offset.value < 0 || cleaned.earliest_horizon.value < -1) return {};
  return cleaned;
}

CleanedUpTo read_cleaner_checkpoint(const LogPlace& place) {
  const Result<std::string> text = read_file(*place.files, path_of(place), kLargest);
  return text ? decode_cleaner_checkpoint(*text) : CleanedUpTo{};
}

Result<void> write_cleaner_checkpoint(const LogPlace& place, const CleanedUpTo& cleaned) {
  const auto written = write_unsynced(*place.files, path_of(place), encode_cleaner_checkpoint(cleaned));
  return written ? Result<void>() : written.error();
}

Result<void> lower_cleaner_checkpoint(const LogPlace& place, Offset end) {
  const Result<std::string> text = read_file(*place.files, path_of(place), kLargest);
  if (!text && text.error() != Errc::not_found && text.error() != Errc::too_large) return text.error();
  CleanedUpTo cleaned = text ? decode_cleaner_checkpoint(*text) : CleanedUpTo{};
  if (cleaned.offset <= end) return {};
  cleaned.offset = end;
  return write_cleaner_checkpoint(place, cleaned);
}

}  // namespace tidelog::storage
