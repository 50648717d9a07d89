#include "tests/attack/layout.h"

#include "proto/codec/array_base.h"
#include "proto/codec/records.h"
#include "tests/support/field_size.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace tidelog::attack {
namespace {

using proto::Field;
using proto::Kind;
using proto::Schema;

template <class T>
void store(std::byte* into, const T& value) {
  *reinterpret_cast<T*>(into) = value;
}

class Layout {
 public:
  Layout(std::int16_t version, Filling& filling, Arena& arena) : version_(version), filling_(filling), arena_(arena) {}

  void fill(const Schema& schema, std::byte* into) {
    schema.construct(into);
    for (const Field& field : schema.fields) {
      if (field.versions.contains(version_)) fill_field(field, into + field.offset);
    }
  }

 private:
  [[nodiscard]] bool may_be_null(const Field& field) const { return field.nullable.contains(version_); }

  void fill_field(const Field& field, std::byte* into) {
    if (field.kind == Kind::array) return fill_array(field, into);
    if (field.kind != Kind::nullable_structure) return fill_value(field, field.kind, into);
    const bool present = !may_be_null(field) || !filling_.null(field);
    store(into, present);
    if (present) fill(*field.nested, into + proto::kNullableValueOffset);
  }

  void fill_array(const Field& field, std::byte* into) {
    proto::ArrayBase array;
    if (may_be_null(field) && filling_.null(field)) {
      array.count = -1;
      return store(into, array);
    }
    const std::size_t count = filling_.count(field);
    if (count == 0) return store(into, array);
    const std::size_t stride = proto::test::size_of(field.element, field.nested);
    std::byte* elements = arena_.room(count * stride);
    for (std::size_t i = 0; i < count; ++i) fill_value(field, field.element, elements + i * stride);
    array.data = elements;
    array.count = static_cast<std::int32_t>(count);
    store(into, array);
  }

  std::string_view blob(const Field& field, std::string text) {
    if (may_be_null(field) && field.kind != Kind::array && filling_.null(field)) return {};
    return arena_.keep(std::move(text));
  }

  static Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

  void fill_value(const Field& field, Kind kind, std::byte* into) {
    switch (kind) {
      case Kind::int8: return store(into, static_cast<std::int8_t>(filling_.number(field)));
      case Kind::int16:
      case Kind::uint16: return store(into, static_cast<std::int16_t>(filling_.number(field)));
      case Kind::int32:
      case Kind::uint32: return store(into, static_cast<std::int32_t>(filling_.number(field)));
      case Kind::int64: return store(into, filling_.number(field));
      case Kind::float64: return store(into, static_cast<double>(filling_.number(field)));
      case Kind::boolean: return store(into, (filling_.number(field) & 1) != 0);
      case Kind::uuid: return store(into, filling_.uuid());
      case Kind::string: return store(into, blob(field, filling_.text(field)));
      case Kind::bytes: return store(into, as_bytes(blob(field, filling_.text(field))));
      case Kind::records: return store(into, proto::Records{.bytes = as_bytes(blob(field, filling_.records()))});
      case Kind::structure: return fill(*field.nested, into);
      case Kind::nullable_structure:
      case Kind::array: return;
    }
  }

  std::int16_t version_;
  Filling& filling_;
  Arena& arena_;
};

bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> ends) {
  for (const std::string_view end : ends) {
    if (name.ends_with(end)) return true;
  }
  return false;
}

/// Waiting as long as the client asks is no hang, so what asks for it stays short.
bool is_wait(std::string_view name) { return ends_with_any(name, {"WaitMs", "imeoutMs"}); }

}  // namespace

std::byte* Arena::room(std::size_t bytes) {
  pieces_.emplace_back(bytes / sizeof(std::max_align_t) + 1);
  return reinterpret_cast<std::byte*>(pieces_.back().data());
}

std::string_view Arena::keep(std::string text) { return texts_.emplace_back(std::move(text)); }

std::int64_t ValidFilling::number(const Field& field) {
  const std::string_view name = field.name;
  if (is_wait(name)) return 50;
  if (ends_with_any(name, {"axBytes"})) return 65536;
  if (name == "numPartitions" || name == "replicationFactor" || name == "count") return 1;
  if (name == "acks") return -1;
  if (name == "timestamp") return -1;
  if (name == "resourceType") return 2;  // A topic.
  if (name == "endpointType") return 1;
  return field.default_number;
}

std::string ValidFilling::text(const Field& field) {
  const std::string_view name = field.name;
  if (name == "clientSoftwareName" || name == "clientSoftwareVersion") return "attacker";
  if (name == "transactionalId") return "attack-transaction";
  if (name == "value") return "1000";
  // The name of a config where one is asked for; of a topic everywhere else.
  if (name == "configNames" || name == "configurationKeys") return "retention.ms";
  return scene_.topic;
}

std::int64_t HostileFilling::number(const Field& field) {
  constexpr std::array<std::int64_t, 16> kValues{-1,  0,     1,      2,         -2,        -3,        127,       128,
                                                 255, 32767, -32768, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, INT64_C(1) << 40};
  if (is_wait(field.name)) return dice_.one_in(2) ? -1 : 20;
  if (dice_.one_in(2)) return ValidFilling::number(field);
  return dice_.pick(std::span<const std::int64_t>(kValues));
}

std::string HostileFilling::text(const Field& field) {
  switch (dice_.below(9)) {
    case 0: return {};
    case 1: return std::string("attack\0nul", 10);
    case 2: return "\xff\xfe\xc0\x80";
    case 3: return std::string(32767, 'n');
    case 4: return "../../attack";
    case 5: return std::string(250, 'a');
    case 6: return "%n%s{}\r\nattack: forged line";
    default: return ValidFilling::text(field);
  }
}

Uuid HostileFilling::uuid() {
  if (dice_.one_in(3)) return {};
  Uuid id = scene_.topic_id;
  if (dice_.one_in(3)) id.bytes[dice_.below(id.bytes.size())] ^= std::byte{0x5a};
  return id;
}

std::string HostileFilling::records() {
  std::string batch = scene_.batch;
  switch (dice_.below(6)) {
    case 0: return {};
    case 1: return batch.substr(0, dice_.below(batch.size()));
    case 2: return batch + batch;
    case 3: return std::string(dice_.below(200), '\0');
    case 4:
      for (int i = 0; i < 3; ++i) batch[dice_.below(batch.size())] ^= static_cast<char>(1 << dice_.below(8));
      return batch;
    default: return batch;
  }
}

bool HostileFilling::null(const Field& field) {
  // Null there means everybody, and what is set for everybody is set for the bystander too.
  if (std::string_view(field.name) == "entityName") return false;
  return dice_.one_in(4);
}

std::size_t HostileFilling::count(const Field&) {
  constexpr std::array<std::size_t, 8> kCounts{0, 1, 1, 1, 2, 2, 3, 40};
  return dice_.pick(std::span<const std::size_t>(kCounts));
}

std::string SwollenFilling::text(const Field& field) { return field.kind == Kind::array ? std::string(1, 'x') : std::string(); }

std::size_t SwollenFilling::count(const Field& field) {
  const bool has_inner =
      field.nested != nullptr && std::ranges::any_of(field.nested->fields, [](const Field& f) { return f.kind == Kind::array; });
  if (inner_ && has_inner) return 1;
  return std::exchange(left_, 0);
}

const void* lay_out(const Schema& schema, std::int16_t version, Filling& filling, Arena& arena) {
  std::byte* message = arena.room(schema.size_bytes);
  Layout(version, filling, arena).fill(schema, message);
  return message;
}

}  // namespace tidelog::attack
