#pragma once

#include "proto/base/types.h"
#include "proto/codec/schema.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tidelog::cli {

/// Is told what a walk over a message meets, in the order of the bytes. A value belongs to the field named last, or is an element of the
/// array begun last.
class MessageVisitor {
 public:
  virtual ~MessageVisitor() = default;
  virtual void field(std::string_view name) = 0;
  virtual void begin_struct() = 0;
  virtual void end_struct() = 0;
  virtual void begin_array(std::size_t count, bool of_structs) = 0;
  virtual void end_array() = 0;
  virtual void null() = 0;
  virtual void number(std::int64_t value) = 0;
  virtual void real(double value) = 0;
  virtual void boolean(bool value) = 0;
  virtual void uuid(const Uuid& value) = 0;
  virtual void text(std::string_view value) = 0;
  virtual void bytes(Bytes value) = 0;
  virtual void records(Bytes value) = 0;
  /// A tagged field that the schema does not have.
  virtual void unknown_tag(std::uint32_t tag, Bytes value) = 0;
};

/// Where and why a message does not decode.
struct WalkFailure {
  std::size_t at = 0;  ///< Of the value, from the front of what was walked.
  std::string field;   ///< `topicData[0].name`
  std::string what;
};

struct WalkEnd {
  std::size_t used_bytes = 0;
  std::optional<WalkFailure> failure;
};

/// Walks over a message by the codec's tables. It takes what `proto::decode_message` takes and refuses what that refuses, but keeps the
/// names, the place of a failure and the tags nobody knows, which the codec has no time for. Nothing is allocated by a claimed number.
/// Needs a version that the schema has.
WalkEnd walk_message(Bytes body, std::int16_t version, const proto::Schema& schema, MessageVisitor& visitor);

}  // namespace tidelog::cli
