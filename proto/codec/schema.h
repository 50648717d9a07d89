#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tidelog::proto {

/// What a field is on the wire. An array has the kind of its elements beside it.
enum class Kind : std::uint8_t {
  int8,
  int16,
  int32,
  int64,
  uint16,
  uint32,
  float64,
  boolean,
  uuid,
  string,
  bytes,
  records,
  structure,
  nullable_structure,
  array,
};

/// Versions `first` to `last`; none if `last` < `first`.
struct VersionRange {
  std::int16_t first = 0;
  std::int16_t last = -1;
  [[nodiscard]] constexpr bool contains(std::int16_t version) const { return first <= version && version <= last; }
};

struct Schema;

/// The protocol's limit for strings, in both length formats.
inline constexpr std::size_t kLongestStringBytes = 32767;
/// No generated struct is larger (asserted where the tables are).
inline constexpr std::size_t kLargestStructBytes = 512;

/// Where the value of a `Nullable` lies in it.
inline constexpr std::size_t kNullableValueOffset = 8;

/// One field of a struct: where it lies in memory, how it stands on the wire, and from which version to which.
struct Field {
  const char* name;      ///< As in Kafka's JSON: the schema's name, first letter in lower case.
  std::uint32_t offset;  ///< In the generated struct.
  Kind kind;
  Kind element = Kind::int8;  ///< Of an array.
  VersionRange versions;
  VersionRange nullable{};
  VersionRange tagged{};  ///< Where it is a tagged field, left out when it has its default.
  std::int16_t tag = -1;
  bool always_fixed = false;  ///< Keeps the old length format in every version (the client id).
  bool default_is_null = false;
  std::int64_t default_number = 0;
  const Schema* nested = nullptr;
};

/// A message or a struct in one: the table that the codec interprets. Generated from proto/schema/messages.txt.
struct Schema {
  const char* name;
  std::span<const Field> fields;
  std::uint32_t size_bytes;     ///< Of the generated struct.
  void (*construct)(void* at);  ///< Puts a default value there.
  VersionRange versions{};      ///< Of a message.
  VersionRange flexible{};
};

}  // namespace tidelog::proto
