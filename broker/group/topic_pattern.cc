#include "broker/group/topic_pattern.h"

#include <re2/re2.h>

namespace tidelog::broker {

Result<TopicPattern, std::string> TopicPattern::compile(const std::string& text) {
  if (text.size() > kMostBytes) return "it has more than " + std::to_string(kMostBytes) + " bytes";
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMostMemory);
  auto pattern = std::make_unique<re2::RE2>(text, options);
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
