#include "proto/codec/interpreter.h"

#include <algorithm>
#include <bit>
#include <string_view>

namespace tidelog::proto {
namespace {

struct Dialect {
  std::int16_t version;
  bool is_flexible;
};

void encode_struct(const std::byte* from, const Schema& schema, Dialect dialect, Output& out);

template <class T>
const T& load(const std::byte* from) {
  return *reinterpret_cast<const T*>(from);
}

void put_length(std::int64_t length, bool is_flexible, bool is_short, Output& out) {
  if (is_flexible) {
    out.put_uvarint(static_cast<std::uint32_t>(length + 1));
  } else if (is_short) {
    out.put(static_cast<std::int16_t>(length));
  } else {
    out.put(static_cast<std::int32_t>(length));
  }
}

void put_blob(Bytes bytes, bool is_flexible, bool is_short, bool may_be_null, Output& out) {
  const bool is_null = bytes.data() == nullptr && may_be_null;
  put_length(is_null ? -1 : static_cast<std::int64_t>(bytes.size()), is_flexible, is_short, out);
  out.append(bytes);
}

/// A longer string has no encoding: it is cut rather than sent with a length that breaks the frame.
Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), std::min(text.size(), kLongestStringBytes)};
}

void encode_blob(const std::byte* from, Kind kind, bool is_flexible, bool may_be_null, Output& out) {
  if (kind == Kind::string) return put_blob(as_bytes(load<std::string_view>(from)), is_flexible, true, may_be_null, out);
  if (kind == Kind::bytes) return put_blob(load<Bytes>(from), is_flexible, false, may_be_null, out);
  const auto& records = load<Records>(from);
  if (records.external_bytes == 0) return put_blob(records.bytes, is_flexible, false, may_be_null, out);
  put_length(static_cast<std::int64_t>(records.bytes.size() + records.external_bytes), is_flexible, false, out);
  out.append(records.bytes);
  out.add_gap(records.external_bytes, records.external_token);
}

void encode_value(const std::byte* from, Kind kind, const Schema* nested, Dialect dialect, Output& out) {
  switch (kind) {
    case Kind::int8: return out.put(load<std::int8_t>(from));
    case Kind::int16: return out.put(load<std::int16_t>(from));
    case Kind::int32: return out.put(load<std::int32_t>(from));
    case Kind::int64: return out.put(load<std::int64_t>(from));
    case Kind::uint16: return out.put(load<std::uint16_t>(from));
    case Kind::uint32: return out.put(load<std::uint32_t>(from));
    case Kind::float64: return out.put(std::bit_cast<std::uint64_t>(load<double>(from)));
    case Kind::boolean: return out.put(static_cast<std::uint8_t>(load<bool>(from) ? 1 : 0));
    case Kind::uuid: return out.append(load<Uuid>(from).bytes);
    case Kind::structure: return encode_struct(from, *nested, dialect, out);
    case Kind::string:
    case Kind::bytes:
    case Kind::records: return encode_blob(from, kind, dialect.is_flexible, false, out);
    case Kind::nullable_structure:
    case Kind::array: return;  // Never an element.
  }
}

std::size_t size_of(Kind kind, const Schema* nested) {
  switch (kind) {
    case Kind::int8: return sizeof(std::int8_t);
    case Kind::int16: return sizeof(std::int16_t);
    case Kind::int32: return sizeof(std::int32_t);
    case Kind::int64: return sizeof(std::int64_t);
    case Kind::uint16: return sizeof(std::uint16_t);
    case Kind::uint32: return sizeof(std::uint32_t);
    case Kind::float64: return sizeof(double);
    case Kind::boolean: return sizeof(bool);
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

/// Elements that are still encoded are read one by one into room for one, and written again in this dialect.
void encode_received_elements(const ArrayBase& array, const Field& field, Dialect dialect, Output& out) {
  alignas(std::max_align_t) std::byte room[kLargestStructBytes];
  const std::byte* at = array.data;
  for (std::int32_t i = 0; i < array.count; ++i) {
    if (field.nested != nullptr) field.nested->construct(room);
    at = decode_element(at, array, field.element, field.nested, room);
    encode_value(room, field.element, field.nested, dialect, out);
  }
}

void encode_array(const std::byte* from, const Field& field, Dialect dialect, Output& out) {
  const auto& array = load<ArrayBase>(from);
  const bool is_null = array.is_null() && field.nullable.contains(dialect.version);
  put_length(is_null ? -1 : static_cast<std::int64_t>(array.size()), dialect.is_flexible, false, out);
  if (array.empty()) return;
  if (array.is_encoded) return encode_received_elements(array, field, dialect, out);
  const std::size_t stride = size_of(field.element, field.nested);
  for (std::size_t i = 0; i < array.size(); ++i) encode_value(array.data + i * stride, field.element, field.nested, dialect, out);
}

void encode_nullable_struct(const std::byte* from, const Field& field, Dialect dialect, bool in_tag, Output& out) {
  const bool present = load<bool>(from);
  if (!field.nullable.contains(dialect.version)) return encode_struct(from + kNullableValueOffset, *field.nested, dialect, out);
  if (in_tag) {
    out.put_uvarint(present ? 1 : 0);
  } else {
    out.put(static_cast<std::int8_t>(present ? 1 : -1));
  }
  if (present) encode_struct(from + kNullableValueOffset, *field.nested, dialect, out);
}

void encode_field(const std::byte* from, const Field& field, Dialect dialect, bool in_tag, Output& out) {
  switch (field.kind) {
    case Kind::array: return encode_array(from, field, dialect, out);
    case Kind::nullable_structure: return encode_nullable_struct(from, field, dialect, in_tag, out);
    case Kind::string:
    case Kind::bytes:
    case Kind::records:
      return encode_blob(from, field.kind, dialect.is_flexible && !field.always_fixed, field.nullable.contains(dialect.version), out);
    default: return encode_value(from, field.kind, field.nested, dialect, out);
  }
}

bool is_tag_to_send(const Field& field, const std::byte* from, std::int16_t version) {
  return field.versions.contains(version) && field.tagged.contains(version) && !is_default(field, from + field.offset, version);
}

/// By rising tag, as the schema numbers them from 0; a struct has few, so they are looked for one by one.
void encode_tags(const std::byte* from, const Schema& schema, Dialect dialect, Output& out) {
  std::uint32_t count = 0;
  std::int16_t highest = -1;
  for (const Field& field : schema.fields) {
    if (!is_tag_to_send(field, from, dialect.version)) continue;
    ++count;
    highest = std::max(highest, field.tag);
  }
  out.put_uvarint(count);
  for (std::int16_t tag = 0; tag <= highest; ++tag) {
    for (const Field& field : schema.fields) {
      if (field.tag != tag || !is_tag_to_send(field, from, dialect.version)) continue;
      Output value;  // Its size stands before it.
      encode_field(from + field.offset, field, dialect, true, value);
      out.put_uvarint(static_cast<std::uint32_t>(tag));
      out.put_uvarint(static_cast<std::uint32_t>(value.size()));
      out.append(value.bytes());
    }
  }
}

void encode_struct(const std::byte* from, const Schema& schema, Dialect dialect, Output& out) {
  bool has_tags = false;
  for (const Field& field : schema.fields) {
    if (!field.versions.contains(dialect.version)) continue;
    if (field.tag >= 0 && field.tagged.contains(dialect.version)) {
      has_tags = has_tags || !is_default(field, from + field.offset, dialect.version);
      continue;
    }
    // The kinds that answers are mostly made of, without a call each.
    switch (field.kind) {
      case Kind::int16: out.put(load<std::int16_t>(from + field.offset)); break;
      case Kind::int32: out.put(load<std::int32_t>(from + field.offset)); break;
      case Kind::int64: out.put(load<std::int64_t>(from + field.offset)); break;
      default: encode_field(from + field.offset, field, dialect, false, out); break;
    }
  }
  if (!dialect.is_flexible) return;
  if (has_tags) return encode_tags(from, schema, dialect, out);
  out.put_uvarint(0);
}

bool is_default_struct(const Schema& schema, const std::byte* from, std::int16_t version) {
  for (const Field& field : schema.fields) {
    if (field.versions.contains(version) && !is_default(field, from + field.offset, version)) return false;
  }
  return true;
}

}  // namespace

bool is_default(const Field& field, const void* value, std::int16_t version) {
  const auto* from = static_cast<const std::byte*>(value);
  switch (field.kind) {
    case Kind::int8: return load<std::int8_t>(from) == field.default_number;
    case Kind::int16: return load<std::int16_t>(from) == field.default_number;
    case Kind::int32: return load<std::int32_t>(from) == field.default_number;
    case Kind::int64: return load<std::int64_t>(from) == field.default_number;
    case Kind::uint16: return load<std::uint16_t>(from) == field.default_number;
    case Kind::uint32: return load<std::uint32_t>(from) == field.default_number;
    case Kind::float64: return load<double>(from) == static_cast<double>(field.default_number);
    case Kind::boolean: return load<bool>(from) == (field.default_number != 0);
    case Kind::uuid: return load<Uuid>(from).is_zero();
    case Kind::string: return load<std::string_view>(from).empty() && (is_null(load<std::string_view>(from)) || !field.default_is_null);
    case Kind::bytes: return load<Bytes>(from).empty() && (is_null(load<Bytes>(from)) || !field.default_is_null);
    case Kind::records: return load<Records>(from).is_null();
    case Kind::structure: return is_default_struct(*field.nested, from, version);
    case Kind::nullable_structure: return !load<bool>(from);
    case Kind::array: return load<ArrayBase>(from).count == (field.default_is_null ? -1 : 0);
  }
  return false;
}

void encode_message(const void* from, std::int16_t version, const Schema& schema, Output& out) {
  encode_struct(static_cast<const std::byte*>(from), schema, {.version = version, .is_flexible = schema.flexible.contains(version)}, out);
}

}  // namespace tidelog::proto
