#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog {

/// Bytes that may be absent: a null key or value is not an empty one.
class bytes_view {
 public:
  /// Null.
  bytes_view() = default;
  bytes_view(std::string_view bytes) : bytes_(bytes.data() == nullptr ? std::string_view("", 0) : bytes) {}  // NOLINT
  bytes_view(const std::string& bytes) : bytes_view(std::string_view(bytes)) {}                              // NOLINT
  bytes_view(const char* text) : bytes_view(std::string_view(text)) {}                                       // NOLINT

  [[nodiscard]] bool is_null() const { return bytes_.data() == nullptr; }
  [[nodiscard]] std::string_view text() const { return bytes_; }
  [[nodiscard]] const char* data() const { return bytes_.data(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
};

class header_view {
 public:
  header_view() = default;
  header_view(std::string_view name, bytes_view value) : name_(name), value_(value) {}
  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] bytes_view value() const { return value_; }

 private:
  std::string_view name_;
  bytes_view value_;
};

/// A record as it was read: views into the batch it came from, which must outlive it.
class record_view {
 public:
  record_view() = default;
  record_view(std::string_view topic, std::int32_t partition, std::int64_t offset, std::int64_t timestamp_ms)
      : topic_(topic), offset_(offset), timestamp_ms_(timestamp_ms), partition_(partition) {}

  [[nodiscard]] std::string_view topic() const { return topic_; }
  [[nodiscard]] std::int32_t partition() const { return partition_; }
  [[nodiscard]] std::int64_t offset() const { return offset_; }
  /// Milliseconds since 1970 UTC; -1 if the record has none.
  [[nodiscard]] std::int64_t timestamp_ms() const { return timestamp_ms_; }
  [[nodiscard]] bytes_view key() const { return key_; }
  [[nodiscard]] bytes_view value() const { return value_; }
  [[nodiscard]] std::span<const header_view> headers() const { return headers_; }

  record_view& set_content(bytes_view key, bytes_view value) { return key_ = key, value_ = value, *this; }
  record_view& set_headers(std::span<const header_view> headers) { return headers_ = headers, *this; }

 private:
  std::string_view topic_;
  bytes_view key_;
  bytes_view value_;
  std::span<const header_view> headers_;
  std::int64_t offset_ = -1;
  std::int64_t timestamp_ms_ = -1;
  std::int32_t partition_ = -1;
};

/// A record to be sent, not owned. `producer::send` copies what it needs before it returns.
class record_ref {
 public:
  record_ref(std::string_view topic, bytes_view value) : topic_(topic), value_(value) {}

  record_ref& key(bytes_view key) { return key_ = key, *this; }
  record_ref& headers(std::span<const header_view> headers) { return headers_ = headers, *this; }
  /// Without it the key decides, and without a key whichever partition is being filled.
  record_ref& partition(std::int32_t partition) { return partition_ = partition, *this; }
  /// Without it the time of the call.
  record_ref& timestamp_ms(std::int64_t time) { return timestamp_ms_ = time, *this; }
  /// Any number of yours; reports about the batch carry the first and the last one in it.
  record_ref& tag(std::uint64_t tag) { return tag_ = tag, *this; }

  [[nodiscard]] std::string_view topic() const { return topic_; }
  [[nodiscard]] bytes_view value() const { return value_; }
  [[nodiscard]] bytes_view key() const { return key_; }
  [[nodiscard]] std::span<const header_view> headers() const { return headers_; }
  [[nodiscard]] std::int32_t partition() const { return partition_; }
  [[nodiscard]] std::int64_t timestamp_ms() const { return timestamp_ms_; }
  [[nodiscard]] std::uint64_t tag() const { return tag_; }

 private:
  std::string_view topic_;
  bytes_view value_;
  bytes_view key_;
  std::span<const header_view> headers_;
  std::int64_t timestamp_ms_ = -1;
  std::uint64_t tag_ = 0;
  std::int32_t partition_ = -1;
};

}  // namespace tidelog
