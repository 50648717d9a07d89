#include "storage/log/file_names.h"

#include <charconv>

namespace tidelog::storage {
namespace {

constexpr std::size_t kDigits = 20;

}  // namespace

std::string offset_file(const std::string& directory, Offset offset, std::string_view suffix) {
  const std::string digits = std::to_string(offset.value);
  std::string path;
  path.reserve(directory.size() + 1 + kDigits + suffix.size());
  path.append(directory).push_back('/');
  path.append(kDigits - digits.size(), '0').append(digits).append(suffix);
  return path;
}

std::optional<Offset> parse_offset_file(std::string_view name, std::string_view suffix) {
  if (name.size() != kDigits + suffix.size() || !name.ends_with(suffix)) return std::nullopt;
  const char* const end = name.data() + kDigits;
  std::int64_t offset = 0;
  const auto [stop, error] = std::from_chars(name.data(), end, offset);
  if (error != std::errc() || stop != end || offset < 0) return std::nullopt;
  return Offset{offset};
}

}  // namespace tidelog::storage
