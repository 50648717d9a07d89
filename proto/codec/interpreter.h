#pragma once

#include "proto/base/result.h"
#include "proto/codec/array_base.h"
#include "proto/codec/output.h"
#include "proto/codec/records.h"
#include "proto/codec/schema.h"

namespace tidelog::proto {

/// Reads a message into the struct that `schema` describes, which holds its defaults before. Every byte is looked at once: counts against
/// the bytes left, lengths, null where null may not be. Nothing is allocated; strings, bytes and arrays are views of `body`.
/// Bytes behind the message are passed over, as Kafka does. `Errc::unsupported` for a version the message does not have, `Errc::corrupt`
/// for anything that does not fit.
Result<void> decode_message(Bytes body, std::int16_t version, const Schema& schema, void* into);

/// How many elements the arrays of a message have, and tags its structs, together: what a handler will have to lay out. `Errc::too_large`
/// as soon as there are more than `at_most`, else errors as of `decode_message`. Nothing is kept or allocated.
Result<std::size_t> count_elements(Bytes body, std::int16_t version, const Schema& schema, std::size_t at_most);

/// Writes a message. A field that the version lacks is left out.
void encode_message(const void* from, std::int16_t version, const Schema& schema, Output& out);

/// What an element of an array is, or a field that is none.
struct ValueType {
  Kind kind;
  const Schema* nested;  ///< Of a structure.
};

/// Reads one element of an array that `decode_message` has walked over; returns where the next one begins.
const std::byte* decode_element(const std::byte* at, const ArrayBase& array, ValueType type, void* into);

/// Whether a field holds its default, so that a tagged one is left out.
bool is_default(const Field& field, const void* value, std::int16_t version);

/// Reads the body of a message in `version`. See `decode_message`.
template <class Message>
  requires requires { Message::kSchema; }
Result<void> decode(Bytes body, std::int16_t version, Message& out) {
  return decode_message(body, version, Message::kSchema, &out);
}

/// Writes the body of a message in `version`.
template <class Message>
  requires requires { Message::kSchema; }
void encode(const Message& message, std::int16_t version, Output& out) {
  encode_message(&message, version, Message::kSchema, out);
}

}  // namespace tidelog::proto
