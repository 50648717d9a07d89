#include "broker/group/topic_pattern.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>

namespace tidelog::broker {
namespace {

/// `[...]`, as it begins here.
std::size_t class_length(std::string_view rest) {
  std::size_t at = rest.starts_with("[^") ? 2 : 1;
  if (rest.substr(at).starts_with(']')) ++at;  // As the first one it stands for itself.
  while (at < rest.size() && rest[at] != ']') {
    const std::size_t end = rest.substr(at).starts_with("[:") ? rest.find(":]", at + 2) : std::string_view::npos;
    if (end != std::string_view::npos) {
      at = end + 2;
    } else {
      at += rest[at] == '\\' ? 2 : 1;
    }
  }
  return std::min(at + 1, rest.size());
}

/// Up to where no group can begin.
std::size_t plain_length(std::string_view rest) {
  if (rest.starts_with("\\Q")) {
    const std::size_t end = rest.find("\\E", 2);
    return end == std::string_view::npos ? rest.size() : end + 2;
  }
  if (rest.starts_with('\\')) return std::min<std::size_t>(2, rest.size());
  return rest.starts_with('[') ? class_length(rest) : 1;
}

/// The pattern as every RE2 reads it: older ones know named groups as `(?P<name>...)` only. Nothing: it has `\C`.
std::optional<std::string> to_re2(std::string_view text) {
  std::string pattern;
  while (!text.empty()) {
    if (text.starts_with("\\C")) return std::nullopt;
    const bool looks_behind = text.starts_with("(?<=") || text.starts_with("(?<!");
    const bool is_named = text.starts_with("(?<") && !looks_behind;
    const std::size_t length = is_named ? 3 : plain_length(text);
    pattern += is_named ? std::string_view("(?P<") : text.substr(0, length);
    text.remove_prefix(length);
  }
  return pattern;
}

}  // namespace

Result<TopicPattern, std::string> TopicPattern::compile(const std::string& text) {
  if (text.size() > kMostBytes) return "it has more than " + std::to_string(kMostBytes) + " bytes";
  const std::optional<std::string> readable = to_re2(text);
  if (!readable) return std::string("it has \\C, which is no whole character");
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMostMemory);
  auto pattern = std::make_unique<re2::RE2>(*readable, options);
  if (!pattern->ok()) return pattern->error();
  return TopicPattern(std::move(pattern));
}

TopicPattern::TopicPattern(std::unique_ptr<re2::RE2> pattern) : pattern_(std::move(pattern)) {}
TopicPattern::TopicPattern(TopicPattern&&) noexcept = default;
TopicPattern& TopicPattern::operator=(TopicPattern&&) noexcept = default;
TopicPattern::~TopicPattern() = default;

bool TopicPattern::matches(std::string_view topic) const {
  return re2::RE2::FullMatch(re2::StringPiece(topic.data(), topic.size()), *pattern_);
}

}  // namespace tidelog::broker
