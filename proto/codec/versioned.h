#pragma once

#include "proto/base/endian.h"
#include "proto/base/result.h"
#include "proto/codec/array.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Messages as they are stored and embedded: a number of two bytes that says how to read them, then the message. Beside them, how their
// views become values of their own and back.

namespace tidelog::proto {

using OwnedBytes = std::vector<std::byte>;

/// What stands before a message: its version, or, of a key, the type of the record.
using Prefix = std::int16_t;

inline OwnedBytes owned(Bytes bytes) { return {bytes.begin(), bytes.end()}; }

inline std::optional<OwnedBytes> owned_or_none(Bytes bytes) {
  return is_null(bytes) ? std::nullopt : std::optional<OwnedBytes>(owned(bytes));
}

inline std::optional<std::string> text_or_none(std::string_view text) {
  return is_null(text) ? std::nullopt : std::optional<std::string>(text);
}

inline std::string_view text_or_null(const std::optional<std::string>& text) { return text ? std::string_view(*text) : std::string_view(); }

/// An empty vector may point nowhere, which would be null.
inline Bytes bytes_or_null(const std::optional<OwnedBytes>& bytes) {
  static constexpr std::byte kSomewhere{};
  if (!bytes) return {};
  return bytes->empty() ? Bytes(&kSomewhere, 0) : Bytes(*bytes);
}

inline std::vector<std::string> texts(const Array<std::string_view>& from) {
  std::vector<std::string> out;
  out.reserve(from.size());
  for (const std::string_view text : from) out.emplace_back(text);
  return out;
}

inline std::vector<std::string_view> views(const std::vector<std::string>& from) { return {from.begin(), from.end()}; }

inline std::vector<std::int32_t> numbers(const Array<std::int32_t>& from) {
  std::vector<std::int32_t> out;
  out.reserve(from.size());
  for (const std::int32_t number : from) out.push_back(number);
  return out;
}

/// The prefix and what follows it. `Errc::corrupt`: not even that.
inline Result<std::pair<Prefix, Bytes>> split_prefix(Bytes bytes) {
  if (bytes.size() < sizeof(Prefix)) return Errc::corrupt;
  return std::pair{load_be<Prefix>(bytes.data()), bytes.subspan(sizeof(Prefix))};
}

template <class Message>
OwnedBytes with_prefix(Prefix prefix, const Message& message, std::int16_t version) {
  Output out;
  out.put(prefix);
  encode(message, version, out);
  return owned(out.bytes());
}

/// A message behind its version.
template <class Message>
OwnedBytes with_version(const Message& message, std::int16_t version) {
  return with_prefix(version, message, version);
}

}  // namespace tidelog::proto
