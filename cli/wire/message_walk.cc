#include "cli/wire/message_walk.h"

#include "proto/codec/dialect.h"
#include "proto/codec/reader.h"

#include <bit>
#include <cstring>

namespace tidelog::cli {
namespace {

using proto::BlobForm;
using proto::Dialect;
using proto::Field;
using proto::Kind;
using proto::Place;
using proto::Reader;
using proto::Schema;

constexpr std::int64_t kNull = -1;

class Walker {
 public:
  Walker(Bytes body, Dialect dialect, MessageVisitor& visitor) : in_(body), begin_(body.data()), dialect_(dialect), visitor_(visitor) {}

  WalkEnd walk(const Schema& schema) {
    walk_struct(schema);
    return {.used_bytes = failure_ ? failure_->at : static_cast<std::size_t>(in_.at - begin_), .failure = std::move(failure_)};
  }

 private:
  bool walk_struct(const Schema& schema);
  bool walk_tags(const Schema& schema);
  bool walk_tag(const Schema& schema, std::uint32_t tag);
  bool walk_field(const Field& field, Place place);
  bool walk_nullable_struct(const Field& field, Place place);
  bool walk_array(const Field& field);
  bool walk_value(Kind kind, const Schema* nested);
  bool walk_blob(BlobForm form);
  bool walk_uuid();

  template <class T>
  bool walk_number() {
    const std::byte* start = in_.at;
    const auto value = in_.take<T>();
    if (!in_.ok) return ends_within(start, sizeof(T));
    visitor_.number(static_cast<std::int64_t>(value));
    return true;
  }

  /// The length of a string, bytes, records or array; `kNull` if it is null.
  std::int64_t take_length(bool is_flexible, bool is_short) {
    if (is_flexible) return static_cast<std::int64_t>(in_.take_uvarint()) - 1;
    const std::int64_t length = is_short ? std::int64_t{in_.take<std::int16_t>()} : std::int64_t{in_.take<std::int32_t>()};
    return length < 0 ? kNull : length;
  }

  bool fail(const std::byte* at, std::string what) {
    failure_ = {.at = static_cast<std::size_t>(at - begin_), .field = {}, .what = std::move(what)};
    return in_.fail();
  }
  bool ends_within(const std::byte* start, std::size_t needed) {
    const auto left = static_cast<std::size_t>(in_.end - start);
    return fail(start, "it takes " + std::to_string(needed) + " bytes and " + std::to_string(left) + " are left");
  }
  /// Puts a name before the place of a failure, on the way out of it.
  bool inside(const std::string& name, bool done) {
    if (done) return true;
    std::string& field = failure_->field;
    const bool is_joined = field.empty() || field.front() == '[';
    field.insert(0, is_joined ? name : name + ".");
    return false;
  }

  Reader in_;
  const std::byte* begin_;
  Dialect dialect_;
  MessageVisitor& visitor_;
  std::optional<WalkFailure> failure_;
};

bool Walker::walk_struct(const Schema& schema) {
  visitor_.begin_struct();
  for (const Field& field : schema.fields) {
    const bool is_tagged = field.tag >= 0 && field.tagged.contains(dialect_.version);
    if (!field.versions.contains(dialect_.version) || is_tagged) continue;
    visitor_.field(field.name);
    if (!walk_field(field, Place::body)) return inside(field.name, false);
  }
  if (dialect_.is_flexible && !walk_tags(schema)) return false;
  visitor_.end_struct();
  return true;
}

bool Walker::walk_field(const Field& field, Place place) {
  switch (field.kind) {
    case Kind::array: return walk_array(field);
    case Kind::nullable_structure: return walk_nullable_struct(field, place);
    case Kind::string:
    case Kind::bytes:
    case Kind::records: return walk_blob(BlobForm::of(field, dialect_));
    default: return walk_value(field.kind, field.nested);
  }
}

bool Walker::walk_value(Kind kind, const Schema* nested) {
  switch (kind) {
    case Kind::int8: return walk_number<std::int8_t>();
    case Kind::int16: return walk_number<std::int16_t>();
    case Kind::int32: return walk_number<std::int32_t>();
    case Kind::int64: return walk_number<std::int64_t>();
    case Kind::uint16: return walk_number<std::uint16_t>();
    case Kind::uint32: return walk_number<std::uint32_t>();
    case Kind::uuid: return walk_uuid();
    case Kind::structure: return walk_struct(*nested);
    case Kind::string:
    case Kind::bytes:
    case Kind::records: return walk_blob(BlobForm::of(kind, dialect_));
    case Kind::boolean: {
      const auto value = in_.take<std::uint8_t>();
      if (!in_.ok) return ends_within(in_.end, 1);
      visitor_.boolean(value != 0);
      return true;
    }
    case Kind::float64: {
      const std::byte* start = in_.at;
      const auto bits = in_.take<std::uint64_t>();
      if (!in_.ok) return ends_within(start, sizeof bits);
      visitor_.real(std::bit_cast<double>(bits));
      return true;
    }
    case Kind::nullable_structure:
    case Kind::array: break;
  }
  return fail(in_.at, "it is of a kind that no element has");
}

bool Walker::walk_uuid() {
  const std::byte* start = in_.at;
  const std::byte* from = in_.take_bytes(sizeof(Uuid));
  if (from == nullptr) return ends_within(start, sizeof(Uuid));
  Uuid value;
  std::memcpy(value.bytes.data(), from, sizeof(Uuid));
  visitor_.uuid(value);
  return true;
}

bool Walker::walk_blob(BlobForm form) {
  const std::byte* start = in_.at;
  const std::int64_t length = take_length(form.is_flexible, form.is_short());
  if (!in_.ok) return fail(start, "the bytes end within its length");
  if (length == kNull) {
    if (!form.may_be_null) return fail(start, "it is null and may not be");
    visitor_.null();
    return true;
  }
  const auto size = static_cast<std::size_t>(length);
  if (size > in_.left())
    return fail(start, "its length is " + std::to_string(length) + " and " + std::to_string(in_.left()) + " bytes are left");
  const Bytes blob{in_.take_bytes(size), size};
  if (form.kind == Kind::string && size > proto::kLongestStringBytes)
    return fail(start, "its length is " + std::to_string(length) + ", beyond what a string may have");
  if (form.kind == Kind::string)
    visitor_.text({reinterpret_cast<const char*>(blob.data()), blob.size()});
  else if (form.kind == Kind::bytes)
    visitor_.bytes(blob);
  else
    visitor_.records(blob);
  return true;
}

bool Walker::walk_array(const Field& field) {
  const std::byte* start = in_.at;
  const std::int64_t count = take_length(dialect_.is_flexible, false);
  if (!in_.ok) return fail(start, "the bytes end within its count");
  if (count == kNull) {
    if (!field.nullable.contains(dialect_.version)) return fail(start, "it is null and may not be");
    visitor_.null();
    return true;
  }
  // An element takes a byte at the least, so a count that lies is found before anything is done for it.
  if (static_cast<std::uint64_t>(count) > in_.left())
    return fail(start, "it claims " + std::to_string(count) + " elements and " + std::to_string(in_.left()) + " bytes are left");
  visitor_.begin_array(static_cast<std::size_t>(count), field.element == Kind::structure);
  for (std::int64_t i = 0; i < count; ++i) {
    if (!walk_value(field.element, field.nested)) return inside("[" + std::to_string(i) + "]", false);
  }
  visitor_.end_array();
  return true;
}

bool Walker::walk_nullable_struct(const Field& field, Place place) {
  if (!field.nullable.contains(dialect_.version)) return walk_struct(*field.nested);
  const std::byte* start = in_.at;
  const bool is_present = place == Place::tag ? in_.take_uvarint() != 0 : in_.take<std::int8_t>() >= 0;
  if (!in_.ok) return ends_within(start, 1);
  if (is_present) return walk_struct(*field.nested);
  visitor_.null();
  return true;
}

bool Walker::walk_tag(const Schema& schema, std::uint32_t tag) {
  const std::byte* start = in_.at;
  const std::uint32_t size = in_.take_uvarint();
  const std::string name = "tag " + std::to_string(tag);
  if (!in_.ok) return fail(start, "the bytes end within its length"), inside(name, false);
  if (size > in_.left()) {
    fail(start, "its length is " + std::to_string(size) + " and " + std::to_string(in_.left()) + " bytes are left");
    return inside(name, false);
  }
  for (const Field& field : schema.fields) {
    const bool is_it = field.tag >= 0 && static_cast<std::uint32_t>(field.tag) == tag && field.tagged.contains(dialect_.version) &&
                       field.versions.contains(dialect_.version);
    if (!is_it) continue;
    const std::byte* outer_end = in_.end;
    in_.end = in_.at + size;
    visitor_.field(field.name);
    if (!walk_field(field, Place::tag)) return inside(field.name, false);
    if (in_.at != in_.end) {
      fail(in_.at, std::to_string(in_.left()) + " bytes of its tag are left over");
      return inside(field.name, false);
    }
    in_.end = outer_end;
    return true;
  }
  visitor_.unknown_tag(tag, {in_.take_bytes(size), size});
  return true;
}

bool Walker::walk_tags(const Schema& schema) {
  const std::byte* start = in_.at;
  const std::uint32_t count = in_.take_uvarint();
  if (!in_.ok) return fail(start, "the bytes end within the count of tags"), inside("tags", false);
  if (count > in_.left()) {
    fail(start, "they claim to be " + std::to_string(count) + " and " + std::to_string(in_.left()) + " bytes are left");
    return inside("tags", false);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::byte* at = in_.at;
    const std::uint32_t tag = in_.take_uvarint();
    if (!in_.ok) return fail(at, "the bytes end within a tag"), inside("tags", false);
    if (!walk_tag(schema, tag)) return false;
  }
  return true;
}

}  // namespace

WalkEnd walk_message(Bytes body, std::int16_t version, const Schema& schema, MessageVisitor& visitor) {
  return Walker(body, {.version = version, .is_flexible = schema.flexible.contains(version)}, visitor).walk(schema);
}

}  // namespace tidelog::cli
