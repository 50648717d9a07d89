#pragma once

#include "proto/base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace tidelog::broker {

/// A regular expression for whole names of topics. RE2: its time is linear in the name, and its memory is bounded, which bounds the time to
/// compile it as well: a loop does nothing else meanwhile. There is room for an alternation of names as long as a pattern may be. A named
/// group may be written `(?<name>...)` too, as in Kafka's; `\C`, which takes a character apart, is refused, as there.
class TopicPattern {
 public:
  static constexpr std::size_t kMostBytes = 4096;
  static constexpr std::int64_t kMostMemory = 1 << 18;

  /// Says what is wrong with it otherwise.
  static Result<TopicPattern, std::string> compile(const std::string& text);

  TopicPattern(TopicPattern&&) noexcept;
  TopicPattern& operator=(TopicPattern&&) noexcept;
  ~TopicPattern();

  [[nodiscard]] bool matches(std::string_view topic) const;

 private:
  explicit TopicPattern(std::unique_ptr<re2::RE2> pattern);

  std::unique_ptr<re2::RE2> pattern_;
};

}  // namespace tidelog::broker
