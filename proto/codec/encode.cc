#include "proto/codec/dialect.h"
#include "proto/codec/interpreter.h"

#include <algorithm>
#include <bit>
#include <string_view>

namespace tidelog::proto {
namespace {

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

void put_blob(Bytes bytes, BlobForm form, Output& out) {
  const bool is_null = bytes.data() == nullptr && form.may_be_null;
  put_length(is_null ? -1 : static_cast<std::int64_t>(bytes.size()), form.is_flexible, form.is_short(), out);
  out.append(bytes);
}

/// A longer string has no encoding: it is cut rather than sent with a length that breaks the frame.
Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), std::min(text.size(), kLongestStringBytes)};
}

void encode_blob(const std::byte* from, BlobForm form, Output& out) {
  if (form.kind == Kind::string) return put_blob(as_bytes(load<std::string_view>(from)), form, out);
  if (form.kind == Kind::bytes) return put_blob(load<Bytes>(from), form, out);
  const auto& records = load<Records>(from);
  if (records.external_bytes == 0) return put_blob(records.bytes, form, out);
  put_length(static_cast<std::int64_t>(records.bytes.size() + records.external_bytes), form.is_flexible, form.is_short(), out);
  out.append(records.bytes);
  out.add_gap(records.external_bytes, records.external_token);
}

void encode_value(const std::byte* from, ValueType type, Dialect dialect, Output& out) {
  switch (type.kind) {
    case Kind::int8: return out.put(load<std::int8_t>(from));
    case Kind::int16: return out.put(load<std::int16_t>(from));
    case Kind::int32: return out.put(load<std::int32_t>(from));
    case Kind::int64: return out.put(load<std::int64_t>(from));
    case Kind::uint16: return out.put(load<std::uint16_t>(from));
    case Kind::uint32: return out.put(load<std::uint32_t>(from));
    case Kind::float64: return out.put(std::bit_cast<std::uint64_t>(load<double>(from)));
    case Kind::boolean: return out.put(static_cast<std::uint8_t>(load<bool>(from) ? 1 : 0));
    case Kind::uuid: return out.append(load<Uuid>(from).bytes);
    case Kind::structure: return encode_struct(from, *type.nested, dialect, out);
    case Kind::string:
    case Kind::bytes:
    case Kind::records: return encode_blob(from, BlobForm::of(type.kind, dialect), out);
    case Kind::nullable_structure:
    case Kind::array: return;  // Never an element.
  }
}

std::size_t size_of(ValueType type) {
  switch (type.kind) {
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
    case Kind::structure: return type.nested->size_bytes;
    case Kind::nullable_structure:
    case Kind::array: break;
  }
  return 0;
}

/// Elements that are still encoded are read one by one into room for one, and written again in this dialect.
void encode_received_elements(const ArrayBase& array, const Field& field, Dialect dialect, Output& out) {
  alignas(std::max_align_t) std::byte room[kLargestStructBytes];
  const ValueType type{.kind = field.element, .nested = field.nested};
  const std::byte* at = array.data;
  for (std::int32_t i = 0; i < array.count; ++i) {
    if (field.nested != nullptr) field.nested->construct(room);
    at = decode_element(at, array, type, room);
    encode_value(room, type, dialect, out);
  }
}

void encode_array(const std::byte* from, const Field& field, Dialect dialect, Output& out) {
  const auto& array = load<ArrayBase>(from);
  const bool is_null = array.is_null() && field.nullable.contains(dialect.version);
  put_length(is_null ? -1 : static_cast<std::int64_t>(array.size()), dialect.is_flexible, false, out);
  if (array.empty()) return;
  if (array.is_encoded) return encode_received_elements(array, field, dialect, out);
  const ValueType type{.kind = field.element, .nested = field.nested};
  const std::size_t stride = size_of(type);
  for (std::size_t i = 0; i < array.size(); ++i) encode_value(array.data + i * stride, type, dialect, out);
}

template <Place kPlace>
void encode_nullable_struct(const std::byte* from, const Field& field, Dialect dialect, Output& out) {
  const bool present = load<bool>(from);
  if (!field.nullable.contains(dialect.version)) return encode_struct(from + kNullableValueOffset, *field.nested, dialect, out);
  if (kPlace == Place::tag) {
    out.put_uvarint(present ? 1 : 0);
  } else {
    out.put(static_cast<std::int8_t>(present ? 1 : -1));
  }
  if (present) encode_struct(from + kNullableValueOffset, *field.nested, dialect, out);
}

template <Place kPlace>
void encode_field(const std::byte* from, const Field& field, Dialect dialect, Output& out) {
  switch (field.kind) {
    case Kind::array: return encode_array(from, field, dialect, out);
    case Kind::nullable_structure: return encode_nullable_struct<kPlace>(from, field, dialect, out);
    case Kind::string:
    case Kind::bytes:
    case Kind::records: return encode_blob(from, BlobForm::of(field, dialect), out);
    default: return encode_value(from, {.kind = field.kind, .nested = field.nested}, dialect, out);
  }
}

bool is_tag_to_send(const Field& field, const std::byte* from, std::int16_t version) {
  return field.versions.contains(version) && field.tagged.contains(version) && !is_default(field, from + field.offset, version);
}

/// The field to send with the lowest tag above `after`; null if there is none.
const Field* next_tag(const Schema& schema, const std::byte* from, std::int16_t version, std::int16_t after) {
  const Field* next = nullptr;
  for (const Field& field : schema.fields) {
    if (field.tag <= after || !is_tag_to_send(field, from, version)) continue;
    if (next == nullptr || field.tag < next->tag) next = &field;
  }
  return next;
}

/// By rising tag; a struct has few, so they are looked for one by one.
void encode_tags(const std::byte* from, const Schema& schema, Dialect dialect, Output& out) {
  const auto is_sent = [&](const Field& field) { return is_tag_to_send(field, from, dialect.version); };
  out.put_uvarint(static_cast<std::uint32_t>(std::ranges::count_if(schema.fields, is_sent)));
  const Field* field = next_tag(schema, from, dialect.version, -1);
  for (; field != nullptr; field = next_tag(schema, from, dialect.version, field->tag)) {
    Output value;  // Its size stands before it.
    encode_field<Place::tag>(from + field->offset, *field, dialect, value);
    out.put_uvarint(static_cast<std::uint32_t>(field->tag));
    out.put_uvarint(static_cast<std::uint32_t>(value.size()));
    out.append(value.bytes());
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
      default: encode_field<Place::body>(from + field.offset, field, dialect, out); break;
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
    case Kind::nullable_structure:
      if (field.default_is_null) return !load<bool>(from);
      return load<bool>(from) && is_default_struct(*field.nested, from + kNullableValueOffset, version);
    case Kind::array: return load<ArrayBase>(from).count == (field.default_is_null ? -1 : 0);
  }
  return false;
}

void encode_message(const void* from, std::int16_t version, const Schema& schema, Output& out) {
  encode_struct(static_cast<const std::byte*>(from), schema, {.version = version, .is_flexible = schema.flexible.contains(version)}, out);
}

}  // namespace tidelog::proto
