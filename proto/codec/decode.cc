#include "proto/base/check.h"
#include "proto/codec/dialect.h"
#include "proto/codec/interpreter.h"
#include "proto/codec/reader.h"

#include <algorithm>
#include <string_view>

namespace tidelog::proto {
namespace {

bool decode_struct(Reader& in, const Schema& schema, Dialect dialect, std::byte* into);

/// Where a value goes; null while walking over elements that nobody asked for yet.
template <class T>
void store(std::byte* into, const T& value) {
  if (into != nullptr) *reinterpret_cast<T*>(into) = value;
}

template <class T>
bool take_number(Reader& in, std::byte* into) {
  store(into, in.take<T>());
  return in.ok;
}

bool take_float(Reader& in, std::byte* into) {
  store(into, std::bit_cast<double>(in.take<std::uint64_t>()));
  return in.ok;
}

bool take_uuid(Reader& in, std::byte* into) {
  const std::byte* from = in.take_bytes(sizeof(Uuid));
  if (from != nullptr && into != nullptr) std::memcpy(into, from, sizeof(Uuid));
  return in.ok;
}

constexpr std::int64_t kNull = -1;

/// The length of a string, bytes, records or array; `kNull` if it is null (any negative length, as Kafka reads it).
inline std::int64_t take_length(Reader& in, bool is_flexible, bool is_short) {
  if (is_flexible) return static_cast<std::int64_t>(in.take_uvarint()) - 1;
  const std::int64_t length = is_short ? std::int64_t{in.take<std::int16_t>()} : std::int64_t{in.take<std::int32_t>()};
  return length < 0 ? kNull : length;
}

/// A string or bytes as pointer and size; false if it does not fit or is null where it may not be.
bool take_blob(Reader& in, BlobForm form, Bytes& out) {
  const std::int64_t length = take_length(in, form.is_flexible, form.is_short());
  if (!in.ok) return false;
  if (length == kNull) {
    out = {};
    return form.may_be_null || in.fail();
  }
  const std::byte* from = in.take_bytes(static_cast<std::size_t>(length));
  out = {from, static_cast<std::size_t>(length)};
  return in.ok;
}

bool decode_blob(Reader& in, BlobForm form, std::byte* into) {
  Bytes blob;
  if (!take_blob(in, form, blob)) return false;
  if (form.kind == Kind::string && blob.size() > kLongestStringBytes) return in.fail();
  if (into == nullptr) return true;
  if (form.kind == Kind::string) {
    store(into, std::string_view(reinterpret_cast<const char*>(blob.data()), blob.size()));
  } else if (form.kind == Kind::bytes) {
    store(into, blob);
  } else {
    store(into, Records{.bytes = blob});
  }
  return true;
}

/// A value of a kind that is the same as a field and as an element.
bool decode_value(Reader& in, ValueType type, Dialect dialect, std::byte* into) {
  switch (type.kind) {
    case Kind::int8: return take_number<std::int8_t>(in, into);
    case Kind::int16: return take_number<std::int16_t>(in, into);
    case Kind::int32: return take_number<std::int32_t>(in, into);
    case Kind::int64: return take_number<std::int64_t>(in, into);
    case Kind::uint16: return take_number<std::uint16_t>(in, into);
    case Kind::uint32: return take_number<std::uint32_t>(in, into);
    case Kind::float64: return take_float(in, into);
    case Kind::boolean: store(into, in.take<std::uint8_t>() != 0); return in.ok;
    case Kind::uuid: return take_uuid(in, into);
    case Kind::structure: return decode_struct(in, *type.nested, dialect, into);
    case Kind::string:
    case Kind::bytes:
    case Kind::records: return decode_blob(in, BlobForm::of(type.kind, dialect), into);
    case Kind::nullable_structure:
    case Kind::array: break;  // Never an element.
  }
  return in.fail();
}

bool decode_array(Reader& in, const Field& field, Dialect dialect, std::byte* into) {
  const std::int64_t count = take_length(in, dialect.is_flexible, false);
  if (!in.ok) return false;
  ArrayBase array{.version = dialect.version, .is_encoded = true, .is_flexible = dialect.is_flexible};
  if (count == kNull) {
    if (!field.nullable.contains(dialect.version)) return in.fail();
    array.count = -1;
    store(into, array);
    return true;
  }
  // An element takes a byte at the least, so a count that lies is found before anything is done for it.
  if (static_cast<std::uint64_t>(count) > in.left() || !in.take_elements(static_cast<std::uint32_t>(count))) return in.fail();
  array.data = in.at;
  array.count = static_cast<std::int32_t>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    if (!decode_value(in, {.kind = field.element, .nested = field.nested}, dialect, nullptr)) return false;
  }
  array.data_end = in.at;
  store(into, array);
  return true;
}

template <Place kPlace>
bool decode_nullable_struct(Reader& in, const Field& field, Dialect dialect, std::byte* into) {
  if (!field.nullable.contains(dialect.version)) return decode_struct(in, *field.nested, dialect, into);
  const bool present = kPlace == Place::tag ? in.take_uvarint() != 0 : in.take<std::int8_t>() >= 0;
  if (!in.ok) return false;
  store(into, present);
  if (!present) return true;
  return decode_struct(in, *field.nested, dialect, into == nullptr ? nullptr : into + kNullableValueOffset);
}

template <Place kPlace>
bool decode_field(Reader& in, const Field& field, Dialect dialect, std::byte* into) {
  switch (field.kind) {
    case Kind::array: return decode_array(in, field, dialect, into);
    case Kind::nullable_structure: return decode_nullable_struct<kPlace>(in, field, dialect, into);
    case Kind::string:
    case Kind::bytes:
    case Kind::records: return decode_blob(in, BlobForm::of(field, dialect), into);
    default: return decode_value(in, {.kind = field.kind, .nested = field.nested}, dialect, into);
  }
}

const Field* find_tag(const Schema& schema, std::uint32_t tag, std::int16_t version) {
  for (const Field& field : schema.fields) {
    if (field.tag >= 0 && static_cast<std::uint32_t>(field.tag) == tag && field.tagged.contains(version) &&
        field.versions.contains(version)) {
      return &field;
    }
  }
  return nullptr;
}

/// Known tags in any order; unknown ones are skipped in place. Each takes two bytes at the least, so the count needs no trust.
bool decode_tags(Reader& in, const Schema& schema, Dialect dialect, std::byte* into) {
  if (in.at != in.end && *in.at == std::byte{0}) return ++in.at, true;  // Nearly always there is none.
  const std::uint32_t count = in.take_uvarint();
  if (count > in.left() || !in.take_elements(count)) return in.fail();
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t tag = in.take_uvarint();
    const std::uint32_t size = in.take_uvarint();
    const std::byte* from = in.take_bytes(size);
    if (!in.ok) return false;
    const Field* field = find_tag(schema, tag, dialect.version);
    if (field == nullptr) continue;
    Reader part(from, from + size);
    part.elements_left = in.elements_left;
    const bool done = decode_field<Place::tag>(part, *field, dialect, into == nullptr ? nullptr : into + field->offset);
    in.elements_left = part.elements_left;  // Of a failure too: none left says why.
    if (!done || part.left() != 0) return in.fail();
  }
  return in.ok;
}

bool decode_struct(Reader& in, const Schema& schema, Dialect dialect, std::byte* into) {
  for (const Field& field : schema.fields) {
    if (!field.versions.contains(dialect.version) || (field.tag >= 0 && field.tagged.contains(dialect.version))) continue;
    std::byte* at = into == nullptr ? nullptr : into + field.offset;
    bool done = false;
    // The kinds that requests are mostly made of, without a call each.
    switch (field.kind) {
      case Kind::int16: done = take_number<std::int16_t>(in, at); break;
      case Kind::int32: done = take_number<std::int32_t>(in, at); break;
      case Kind::int64: done = take_number<std::int64_t>(in, at); break;
      default: done = decode_field<Place::body>(in, field, dialect, at); break;
    }
    if (!done) return false;
  }
  return !dialect.is_flexible || decode_tags(in, schema, dialect, into);
}

}  // namespace

Result<void> decode_message(Bytes body, std::int16_t version, const Schema& schema, void* into) {
  if (!schema.versions.contains(version)) return Errc::unsupported;
  Reader in(body);
  const Dialect dialect{.version = version, .is_flexible = schema.flexible.contains(version)};
  if (!decode_struct(in, schema, dialect, static_cast<std::byte*>(into))) return Errc::corrupt;
  return {};
}

Result<std::size_t> count_elements(Bytes body, std::int16_t version, const Schema& schema, std::size_t at_most) {
  if (!schema.versions.contains(version)) return Errc::unsupported;
  Reader in(body);
  const auto most = static_cast<std::uint32_t>(std::min<std::size_t>(at_most, UINT32_MAX));
  in.elements_left = most;
  const Dialect dialect{.version = version, .is_flexible = schema.flexible.contains(version)};
  if (decode_struct(in, schema, dialect, nullptr)) return most - in.elements_left;
  return in.elements_left == 0 ? Errc::too_large : Errc::corrupt;
}

const std::byte* decode_element(const std::byte* at, const ArrayBase& array, ValueType type, void* into) {
  Reader in(at, array.data_end);
  [[maybe_unused]] const bool done =
      decode_value(in, type, {.version = array.version, .is_flexible = array.is_flexible}, static_cast<std::byte*>(into));
  DCHECK(done);
  return in.at;
}

}  // namespace tidelog::proto
