#pragma once

#include "proto/codec/interpreter.h"

#include <cstddef>
#include <iterator>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tidelog::proto {

template <class T>
constexpr Kind element_kind() {
  if constexpr (std::is_same_v<T, std::int8_t>)
    return Kind::int8;
  else if constexpr (std::is_same_v<T, std::int16_t>)
    return Kind::int16;
  else if constexpr (std::is_same_v<T, std::int32_t>)
    return Kind::int32;
  else if constexpr (std::is_same_v<T, std::int64_t>)
    return Kind::int64;
  else if constexpr (std::is_same_v<T, std::uint16_t>)
    return Kind::uint16;
  else if constexpr (std::is_same_v<T, std::uint32_t>)
    return Kind::uint32;
  else if constexpr (std::is_same_v<T, double>)
    return Kind::float64;
  else if constexpr (std::is_same_v<T, bool>)
    return Kind::boolean;
  else if constexpr (std::is_same_v<T, Uuid>)
    return Kind::uuid;
  else if constexpr (std::is_same_v<T, std::string_view>)
    return Kind::string;
  else if constexpr (std::is_same_v<T, Bytes>)
    return Kind::bytes;
  else
    return Kind::structure;
}

/// The elements of an array field: null, or a view of received bytes that are decoded one by one while iterating, or of values in memory.
/// Nothing is allocated either way. Life: a view; what it looks at outlives it. Elements handed out are views likewise.
template <class T>
class Array : public ArrayBase {
 public:
  Array() = default;
  Array(std::span<const T> values) {  // NOLINT(google-explicit-constructor): fields are set from spans and vectors.
    data = reinterpret_cast<const std::byte*>(values.data());
    count = static_cast<std::int32_t>(values.size());
  }
  Array(const std::vector<T>& values) : Array(std::span<const T>(values)) {}  // NOLINT(google-explicit-constructor)
  static Array null() {
    Array array;
    array.count = -1;
    return array;
  }

  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;

    Iterator() = default;
    Iterator(const ArrayBase& array, std::int32_t left) : at_(array.data), array_(&array), left_(left) { load(); }
    const T& operator*() const { return value_; }
    const T* operator->() const { return &value_; }
    Iterator& operator++() {
      --left_;
      load();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    void load() {
      if (left_ <= 0) return;
      if (!array_->is_encoded) {
        value_ = *reinterpret_cast<const T*>(at_);
        at_ += sizeof(T);
        return;
      }
      value_ = T{};
      // The bytes were walked over once when the message was decoded, so this cannot fail.
      at_ = decode_element(at_, *array_, {.kind = element_kind<T>(), .nested = schema()}, &value_);
    }
    static const Schema* schema() {
      if constexpr (element_kind<T>() == Kind::structure)
        return &T::kSchema;
      else
        return nullptr;
    }

    const std::byte* at_ = nullptr;
    const ArrayBase* array_ = nullptr;
    std::int32_t left_ = 0;
    T value_{};
  };

  [[nodiscard]] Iterator begin() const { return Iterator(*this, count < 0 ? 0 : count); }
  [[nodiscard]] Iterator end() const { return Iterator(); }
};

}  // namespace tidelog::proto
