#pragma once

#include <tidelog/result.h>

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace tidelog::core {

/// A regular expression for whole names of topics, in RE2's syntax, as the coordinator of a consumer group takes it: the same text means
/// the same topics in both protocols.
class TopicFilter {
 public:
  /// `errc::invalid_argument`, with what is wrong with it, if it is none.
  static result<std::shared_ptr<const TopicFilter>> compile(const std::string& text);

  TopicFilter(std::string text, std::unique_ptr<const re2::RE2> pattern);
  ~TopicFilter();
  TopicFilter(const TopicFilter&) = delete;
  TopicFilter& operator=(const TopicFilter&) = delete;

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool matches(std::string_view topic) const;

 private:
  std::string text_;
  std::unique_ptr<const re2::RE2> pattern_;
};

}  // namespace tidelog::core
