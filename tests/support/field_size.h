#pragma once

#include "proto/base/types.h"
#include "proto/codec/records.h"
#include "proto/codec/schema.h"

#include <string_view>

namespace tidelog::proto::test {

/// Bytes that an element of an array takes in the structs of messages; 0 for what no array holds.
inline std::size_t size_of(Kind kind, const Schema* nested) {
  switch (kind) {
    case Kind::int8:
    case Kind::boolean: return 1;
    case Kind::int16:
    case Kind::uint16: return 2;
    case Kind::int32:
    case Kind::uint32: return 4;
    case Kind::int64:
    case Kind::float64: return 8;
    case Kind::uuid: return sizeof(Uuid);
    case Kind::string: return sizeof(std::string_view);
    case Kind::bytes: return sizeof(Bytes);
    case Kind::records: return sizeof(Records);
    case Kind::structure: return nested->size_bytes;
    case Kind::nullable_structure:
    case Kind::array: break;
  }
  return 0;
}

}  // namespace tidelog::proto::test
