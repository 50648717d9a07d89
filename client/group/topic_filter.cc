#include "client/group/topic_filter.h"

#include <tidelog/error.h>

#include <re2/re2.h>

namespace tidelog::core {

result<std::shared_ptr<const TopicFilter>> TopicFilter::compile(const std::string& text) {
  if (text.empty()) return error(errc::invalid_argument, "the pattern is empty").set_hint("\".*\" matches every topic");
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto pattern = std::make_unique<const re2::RE2>(text, options);
  if (!pattern->ok()) return error(errc::invalid_argument, "\"" + text + "\" is not a pattern for topics: " + pattern->error());
  return std::make_shared<const TopicFilter>(text, std::move(pattern));
}

TopicFilter::TopicFilter(std::string text, std::unique_ptr<const re2::RE2> pattern)
    : text_(std::move(text)), pattern_(std::move(pattern)) {}
TopicFilter::~TopicFilter() = default;

bool TopicFilter::matches(std::string_view topic) const {
  return re2::RE2::FullMatch(re2::StringPiece(topic.data(), topic.size()), *pattern_);
}

}  // namespace tidelog::core
