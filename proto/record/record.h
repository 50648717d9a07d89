#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <iterator>
#include <string_view>

namespace tidelog::proto {

/// A name and a value beside a record's own. The value is null when value.data() == nullptr, which is not the same as empty.
struct RecordHeader {
  std::string_view name;
  Bytes value;
};

/// The headers of a record that was parsed: decoded from its bytes while iterating, nothing is allocated.
class RecordHeaders {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = RecordHeader;
    using difference_type = std::ptrdiff_t;
    using pointer = const RecordHeader*;
    using reference = const RecordHeader&;

    Iterator(Bytes rest, std::int32_t left) : rest_(rest), left_(left) { load(); }
    const RecordHeader& operator*() const { return current_; }
    const RecordHeader* operator->() const { return &current_; }
    Iterator& operator++() {
      --left_;
      load();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    void load();

    Bytes rest_;
    std::int32_t left_;
    RecordHeader current_;
  };

  RecordHeaders() = default;
  /// Needs bytes that `parse_record` found to hold exactly `count` headers.
  RecordHeaders(Bytes bytes, std::int32_t count) : bytes_(bytes), count_(count) {}

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(count_); }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] Iterator begin() const { return {bytes_, count_}; }
  [[nodiscard]] Iterator end() const { return {{}, 0}; }

 private:
  Bytes bytes_;
  std::int32_t count_ = 0;
};

/// One record as it stands in a decompressed batch, everything relative to the batch. Null key or value: data() == nullptr.
struct RawRecord {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t key_length = -1;  ///< As written. Kafka stores lengths below -1 as it gets them, and readers take them for null.
  std::int32_t value_length = -1;
  Bytes key;
  Bytes value;
  RecordHeaders headers;
};

/// What keeps bytes from being a record.
enum class RecordFault : std::uint8_t { none, length, attributes, timestamp, offset, key, value, headers, slack };

/// A half-sentence for people: "its key is longer than the record".
std::string_view describe(RecordFault fault);

/// Takes one record off the front of `rest`. On a fault `rest` and `out` are unspecified. Never reads outside `rest`, allocates nothing.
RecordFault parse_record(Bytes& rest, RawRecord& out);

}  // namespace tidelog::proto
