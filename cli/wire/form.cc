#include "cli/wire/form.h"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string_view>

namespace tidelog::cli {
namespace {

constexpr std::int64_t kLastYear = 253'402'300'799;  ///< The last second of the year 9999.

std::string utc_seconds(std::int64_t seconds) {
  const auto when = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (seconds < 0 || seconds > kLastYear || ::gmtime_r(&when, &parts) == nullptr) return {};
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return {text, size};
}

}  // namespace

void append_hex(std::string& out, Bytes bytes, std::size_t most) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::byte byte : bytes.first(std::min(most, bytes.size()))) {
    const auto value = static_cast<unsigned>(byte);
    (out += kDigits[value >> 4]) += kDigits[value & 15];
  }
}

std::string utc_text(std::int64_t time_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::string seconds = utc_seconds(time_ns < 0 ? -1 : time_ns / kSecond);
  if (seconds.empty()) return std::to_string(time_ns);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%06dZ", static_cast<int>(time_ns % kSecond / 1'000));
  return seconds + fraction;
}

std::string utc_text_ms(std::int64_t time_ms) {
  const std::string seconds = utc_seconds(time_ms < 0 ? -1 : time_ms / 1'000);
  if (seconds.empty()) return std::to_string(time_ms);
  char fraction[16];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(time_ms % 1'000));
  return seconds + fraction;
}

}  // namespace tidelog::cli
