#pragma once

#include "proto/codec/schema.h"

#include <cstdint>

namespace tidelog::proto {

/// How a message's bytes are written and to be read.
struct Dialect {
  std::int16_t version;
  bool is_flexible;
};

/// Where a field stands. It matters to a nullable struct alone: inside a tag null is an unsigned varint 0, elsewhere a byte -1, a quirk of
/// the only message that has one.
enum class Place : std::uint8_t { body, tag };

/// How a string, bytes or records stand on the wire.
struct BlobForm {
  Kind kind;
  bool is_flexible;
  bool may_be_null;

  /// As an element of an array, where there is no null.
  static BlobForm of(Kind kind, Dialect dialect) { return {.kind = kind, .is_flexible = dialect.is_flexible, .may_be_null = false}; }
  static BlobForm of(const Field& field, Dialect dialect) {
    return {.kind = field.kind,
            .is_flexible = dialect.is_flexible && !field.always_fixed,
            .may_be_null = field.nullable.contains(dialect.version)};
  }
  /// Before the flexible format the length of a string takes two bytes, that of others four.
  [[nodiscard]] bool is_short() const { return kind == Kind::string; }
};

}  // namespace tidelog::proto
