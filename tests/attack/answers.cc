#include "tests/attack/answers.h"

#include "proto/base/endian.h"
#include "proto/codec/array_base.h"
#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"
#include "tests/attack/messages.h"

#include <array>

namespace tidelog::attack {
namespace {

using proto::Field;
using proto::Kind;
using proto::Schema;

constexpr std::size_t kLengthBytes = 4;

template <class T>
const T& at(const std::byte* place) {
  return *reinterpret_cast<const T*>(place);
}

/// Goes over a decoded message and gathers what stands in its error codes.
class ErrorWalk {
 public:
  explicit ErrorWalk(std::int16_t version) : version_(version) {}

  void walk(const Schema& schema, const std::byte* message) {
    for (const Field& field : schema.fields) {
      if (field.versions.contains(version_)) walk_field(field, message + field.offset);
    }
  }
  [[nodiscard]] const std::set<std::int16_t>& errors() const { return errors_; }

 private:
  void walk_field(const Field& field, const std::byte* place) {
    if (field.kind == Kind::array) return walk_array(field, at<proto::ArrayBase>(place));
    if (field.kind == Kind::structure) return walk(*field.nested, place);
    if (field.kind == Kind::nullable_structure && at<bool>(place)) return walk(*field.nested, place + proto::kNullableValueOffset);
    if (field.kind == Kind::int16 && std::string_view(field.name) == "errorCode") errors_.insert(at<std::int16_t>(place));
  }

  void walk_array(const Field& field, const proto::ArrayBase& array) {
    if (field.element != Kind::structure) return;
    const std::byte* next = array.data;
    for (std::size_t i = 0; i < array.size(); ++i) {
      alignas(std::max_align_t) std::array<std::byte, proto::kLargestStructBytes> element{};
      field.nested->construct(element.data());
      next = proto::decode_element(next, array, {.kind = field.element, .nested = field.nested}, element.data());
      walk(*field.nested, element.data());
    }
  }

  std::int16_t version_;
  std::set<std::int16_t> errors_;
};

}  // namespace

ApiVersion asked_by(std::string_view frame) {
  const std::byte* header = as_bytes(frame).data() + kLengthBytes;
  return {.api = proto::find_api(load_be<std::int16_t>(header)), .version = load_be<std::int16_t>(header + sizeof(std::int16_t))};
}

std::optional<std::set<std::int16_t>> errors_in(std::string_view payload, ApiVersion asked) {
  const auto frame = proto::decode_response(as_bytes(payload), asked.api->key, asked.version);
  if (!frame) return std::nullopt;
  alignas(std::max_align_t) std::array<std::byte, proto::kLargestStructBytes> message{};
  asked.api->response->construct(message.data());
  if (!proto::decode_message(frame->body, asked.version, *asked.api->response, message.data())) return std::nullopt;
  ErrorWalk walk(asked.version);
  walk.walk(*asked.api->response, message.data());
  return walk.errors();
}

}  // namespace tidelog::attack
