#include "cli/offset_range.h"

#include <charconv>
#include <string>

namespace tidelog::cli {
namespace {

std::optional<std::int64_t> parse_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || text.starts_with('-') || text.empty()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> unit_ms(char unit) {
  switch (unit) {
    case 's': return 1'000;
    case 'm': return 60'000;
    case 'h': return 3'600'000;
    case 'd': return 86'400'000;
    default: return std::nullopt;
  }
}

std::optional<offset_spec> parse_time(std::string_view text, std::int64_t now_ms) {
  if (const auto exact = parse_number(text)) return offset_spec::time(*exact);
  if (text.size() < 3 || !text.starts_with('-')) return std::nullopt;
  const auto unit = unit_ms(text.back());
  const auto count = parse_number(text.substr(1, text.size() - 2));
  constexpr std::int64_t kManyUnits = 1'000'000'000;  // Keeps the product far from overflow.
  if (!unit || !count || *count > kManyUnits) return std::nullopt;
  const std::int64_t ago = *unit * *count;
  return offset_spec::time(ago > now_ms ? 0 : now_ms - ago);
}

std::optional<offset_spec> parse_place(std::string_view text, std::int64_t now_ms) {
  if (text == "start" || text == "beginning" || text == "earliest") return offset_spec::start();
  if (text == "end" || text == "latest") return offset_spec::end();
  if (text.starts_with('@')) return parse_time(text.substr(1), now_ms);
  if (text.starts_with('-')) {
    const auto count = parse_number(text.substr(1));
    return count ? std::optional(offset_spec::before_end(*count)) : std::nullopt;
  }
  const auto offset = parse_number(text);
  return offset ? std::optional(offset_spec::at(*offset)) : std::nullopt;
}

}  // namespace

result<OffsetRange> parse_offset_range(std::string_view text, std::int64_t now_ms) {
  OffsetRange range;
  const std::size_t colon = text.find(':');
  const std::string_view from = text.substr(0, colon);
  const std::string_view until = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  const auto bad = [](std::string_view place) {
    error wrong(errc::invalid_argument, "\"" + std::string(place) + "\" is not a place in a topic");
    return wrong.set_hint("start, end, 42, -10, @1700000000000 or @-2h; a range is FROM:UNTIL, as start:end");
  };
  if (!from.empty()) {
    const auto place = parse_place(from, now_ms);
    if (!place) return bad(from);
    range.from = *place;
  }
  if (until.empty()) return from.empty() && colon == std::string_view::npos ? result<OffsetRange>(bad(text)) : range;
  const auto place = parse_place(until, now_ms);
  if (!place) return bad(until);
  range.until = *place;
  return range;
}

}  // namespace tidelog::cli
