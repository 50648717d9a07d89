#include "tests/unit/proto/codec_json.h"

#include "tests/support/field_size.h"

#include <cstring>

namespace tidelog::proto::test {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string base64(Bytes bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? static_cast<std::uint32_t>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) out += k <= n ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string unbase64(std::string_view text) {
  std::string out;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    if (c == '=') break;
    group = group << 6 | static_cast<std::uint32_t>(kAlphabet.find(c));
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(group >> bits & 0xFF);
  }
  return out;
}

template <class T>
const T& load(const std::byte* from) {
  return *reinterpret_cast<const T*>(from);
}

template <class T>
void store(std::byte* into, const T& value) {
  *reinterpret_cast<T*>(into) = value;
}

Json blob(Bytes bytes) { return is_null(bytes) ? Json() : Json(base64(bytes)); }

Json value_to_json(const std::byte* from, Kind kind, const Schema* nested, std::int16_t version) {
  switch (kind) {
    case Kind::int8: return load<std::int8_t>(from);
    case Kind::int16: return load<std::int16_t>(from);
    case Kind::int32: return load<std::int32_t>(from);
    case Kind::int64: return load<std::int64_t>(from);
    case Kind::uint16: return load<std::uint16_t>(from);
    case Kind::uint32: return load<std::uint32_t>(from);
    case Kind::float64: return load<double>(from);
    case Kind::boolean: return load<bool>(from);
    case Kind::uuid: return load<Uuid>(from).to_string();
    case Kind::string: return is_null(load<std::string_view>(from)) ? Json() : Json(load<std::string_view>(from));
    case Kind::bytes: return blob(load<Bytes>(from));
    case Kind::records: return blob(load<Records>(from).bytes);
    case Kind::structure: return to_json(*nested, from, version);
    case Kind::nullable_structure:
    case Kind::array: break;
  }
  return {};
}

Json array_to_json(const ArrayBase& array, const Field& field, std::int16_t version) {
  if (array.is_null()) return {};
  Json out = Json::array();
  Arena arena;
  std::byte* element = arena.room(size_of(field.element, field.nested));
  const std::byte* at = array.data;
  for (std::size_t i = 0; i < array.size(); ++i) {
    if (!array.is_encoded) {
      out.push_back(value_to_json(at, field.element, field.nested, version));
      at += size_of(field.element, field.nested);
      continue;
    }
    if (field.nested != nullptr) field.nested->construct(element);
    at = decode_element(at, array, {.kind = field.element, .nested = field.nested}, element);
    out.push_back(value_to_json(element, field.element, field.nested, version));
  }
  return out;
}

Json field_to_json(const std::byte* from, const Field& field, std::int16_t version) {
  if (field.kind == Kind::array) return array_to_json(load<ArrayBase>(from), field, version);
  if (field.kind != Kind::nullable_structure) return value_to_json(from, field.kind, field.nested, version);
  return load<bool>(from) ? to_json(*field.nested, from + kNullableValueOffset, version) : Json();
}

void value_from_json(const Json& json, ValueType type, Arena& arena, std::byte* into);

void struct_from_json(const Json& json, const Schema& schema, Arena& arena, std::byte* into) {
  schema.construct(into);
  for (const Field& field : schema.fields) {
    if (!json.contains(field.name)) continue;
    const Json& value = json.at(field.name);
    std::byte* at = into + field.offset;
    if (field.kind == Kind::nullable_structure) {
      store(at, !value.is_null());
      if (!value.is_null()) struct_from_json(value, *field.nested, arena, at + kNullableValueOffset);
    } else if (field.kind == Kind::array) {
      const std::size_t stride = size_of(field.element, field.nested);
      ArrayBase array{.data = arena.room(stride * value.size()), .count = value.is_null() ? -1 : static_cast<std::int32_t>(value.size())};
      auto* element = const_cast<std::byte*>(array.data);
      const ValueType type{.kind = field.element, .nested = field.nested};
      for (std::size_t i = 0; i < value.size(); ++i) value_from_json(value[i], type, arena, element + i * stride);
      store(at, array);
    } else {
      value_from_json(value, {.kind = field.kind, .nested = field.nested}, arena, at);
    }
  }
}

std::string_view text_from_json(const Json& json, Arena& arena) {
  return json.is_null() ? std::string_view{} : std::string_view(arena.keep(json.get<std::string>()));
}

Bytes blob_from_json(const Json& json, Arena& arena) {
  if (json.is_null()) return {};
  const std::string& bytes = arena.keep(unbase64(json.get<std::string>()));
  return std::as_bytes(std::span(bytes.data(), bytes.size()));
}

void value_from_json(const Json& json, ValueType type, Arena& arena, std::byte* into) {
  switch (type.kind) {
    case Kind::int8: return store(into, json.get<std::int8_t>());
    case Kind::int16: return store(into, json.get<std::int16_t>());
    case Kind::int32: return store(into, json.get<std::int32_t>());
    case Kind::int64: return store(into, json.get<std::int64_t>());
    case Kind::uint16: return store(into, json.get<std::uint16_t>());
    case Kind::uint32: return store(into, json.get<std::uint32_t>());
    case Kind::float64: return store(into, json.get<double>());
    case Kind::boolean: return store(into, json.get<bool>());
    case Kind::uuid: return store(into, Uuid::parse(json.get<std::string>()));
    case Kind::string: return store(into, text_from_json(json, arena));
    case Kind::bytes: return store(into, blob_from_json(json, arena));
    case Kind::records: return store(into, Records{.bytes = blob_from_json(json, arena)});
    case Kind::structure: return struct_from_json(json, *type.nested, arena, into);
    case Kind::nullable_structure:
    case Kind::array: break;
  }
}

}  // namespace

Json to_json(const Schema& schema, const void* message, std::int16_t version) {
  const auto* from = static_cast<const std::byte*>(message);
  Json out = Json::object();
  for (const Field& field : schema.fields) {
    if (!field.versions.contains(version)) continue;
    if (field.tagged.contains(version) && is_default(field, from + field.offset, version)) continue;
    out[field.name] = field_to_json(from + field.offset, field, version);
  }
  return out;
}

std::byte* from_json(const Json& json, const Schema& schema, Arena& arena) {
  std::byte* message = arena.room(schema.size_bytes);
  struct_from_json(json, schema, arena, message);
  return message;
}

}  // namespace tidelog::proto::test
