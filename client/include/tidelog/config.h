#pragma once

#include <tidelog/result.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidelog {

/// One key a client understands, for help texts.
class config_key {
 public:
  config_key(std::string_view name, std::string_view default_value, std::string_view doc)
      : name_(name), default_value_(default_value), doc_(doc) {}
  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] std::string_view default_value() const { return default_value_; }
  [[nodiscard]] std::string_view doc() const { return doc_; }

 private:
  std::string_view name_;
  std::string_view default_value_;
  std::string_view doc_;
};

/// Client settings under Kafka's names; librdkafka's spellings of the same are accepted too.
class config {
 public:
  config() = default;
  /// `key=value` lines, `#` comments.
  static result<config> load(const std::string& path);
  /// Every `TIDELOG_<KEY>` of the environment, dots as underscores (`TIDELOG_LINGER_MS`), and `TIDELOG_BROKERS`.
  static config from_env();

  /// Later wins. Nothing is judged before `validate`.
  config& set(std::string_view key, std::string_view value);
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const;
  /// An unknown key is an error that names the key most like it.
  [[nodiscard]] result<void> validate() const;

  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& entries() const { return entries_; }
  static std::vector<config_key> keys();

 private:
  std::map<std::string, std::string, std::less<>> entries_;
};

}  // namespace tidelog
