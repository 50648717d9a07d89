#pragma once

#include "proto/base/keyed_hash.h"

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace tidelog {

using Bytes = std::span<const std::byte>;
using MutableBytes = std::span<std::byte>;

/// A number with a meaning. `+`/`-` move it by a plain count, `a - b` is a plain count; two different quantities never mix.
template <class Tag, class Rep>
struct Quantity {
  Rep value{};
  constexpr auto operator<=>(const Quantity&) const = default;
  constexpr Quantity operator+(Rep n) const { return {static_cast<Rep>(value + n)}; }
  constexpr Quantity operator-(Rep n) const { return {static_cast<Rep>(value - n)}; }
  constexpr Rep operator-(Quantity other) const { return static_cast<Rep>(value - other.value); }
  constexpr Quantity& operator++() { return ++value, *this; }
};

using Offset = Quantity<struct OffsetTag, std::int64_t>;            ///< Position of a record in its partition; -1 is "none".
using LeaderEpoch = Quantity<struct LeaderEpochTag, std::int32_t>;  ///< -1 is "unknown".
using PartitionIndex = Quantity<struct PartitionIndexTag, std::int32_t>;
using NodeId = Quantity<struct NodeIdTag, std::int32_t>;
using ProducerId = Quantity<struct ProducerIdTag, std::int64_t>;  ///< -1 is "not idempotent".
using TimestampMs = Quantity<struct TimestampTag, std::int64_t>;  ///< Milliseconds since 1970 UTC; -1 is "none".

/// 16 bytes as on the wire. All zero means "none".
struct Uuid {
  std::array<std::byte, 16> bytes{};
  constexpr auto operator<=>(const Uuid&) const = default;
  [[nodiscard]] bool is_zero() const { return *this == Uuid{}; }
  /// Base64url without padding, 22 characters, as Kafka prints ids.
  [[nodiscard]] std::string to_string() const;
  /// Inverse of `to_string`; the zero id if `text` is not one.
  static Uuid parse(std::string_view text);
};

/// A topic and a partition of it. Inside the broker topics go by id only (R10).
struct TopicPartition {
  Uuid topic_id;
  PartitionIndex partition;
  constexpr auto operator<=>(const TopicPartition&) const = default;
};

}  // namespace tidelog

/// Always the same one, for what ids are spread over. Tables take the partition's.
template <>
struct std::hash<tidelog::Uuid> {
  std::size_t operator()(const tidelog::Uuid& id) const noexcept {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()});
  }
};

template <>
struct std::hash<tidelog::TopicPartition> {
  std::size_t operator()(const tidelog::TopicPartition& tp) const noexcept {
    const auto words = std::bit_cast<std::array<std::uint64_t, 2>>(tp.topic_id.bytes);
    return tidelog::KeyedHash::with(tidelog::KeyedHash::of(words[0], words[1]), static_cast<std::uint32_t>(tp.partition.value));
  }
};
