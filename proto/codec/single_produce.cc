#include "proto/codec/single_produce.h"

#include "proto/base/as_text.h"
#include "proto/codec/reader.h"
#include "proto/codec/schema.h"

namespace tidelog::proto {
namespace {

constexpr std::int16_t kFirstVersion = 3;
constexpr std::int16_t kLastVersion = 13;
constexpr std::int16_t kFirstFlexible = 9;
constexpr std::int16_t kFirstTopicIds = 13;
constexpr std::int16_t kFirstLogStart = 5;
constexpr std::int16_t kFirstRecordErrors = 8;

/// A length, or -1 for null. What is read past the end is 0, and `in.ok` says so.
template <bool kIsFlexible, std::integral Fixed>
std::int64_t take_length(Reader& in) {
  if constexpr (kIsFlexible) return static_cast<std::int64_t>(in.take_uvarint()) - 1;
  return in.take<Fixed>();
}

/// Nothing for null.
Bytes take_piece(Reader& in, std::int64_t length) {
  if (length < 0) return {};
  const auto size = static_cast<std::size_t>(length);
  const std::byte* const from = in.take_bytes(size);
  return {from, in.ok ? size : 0};
}

template <bool kIsFlexible>
bool take_string(Reader& in, std::string_view& out) {
  const std::int64_t length = take_length<kIsFlexible, std::int16_t>(in);
  if (length > static_cast<std::int64_t>(kLongestStringBytes)) return false;
  out = as_text(take_piece(in, length));
  return in.ok;
}

template <bool kIsFlexible>
bool take_topic(Reader& in, std::int16_t version, SingleProduce& out) {
  if (version < kFirstTopicIds) return take_string<kIsFlexible>(in, out.topic) && out.topic.data() != nullptr;
  const std::byte* const id = in.take_bytes(sizeof(Uuid));
  if (id != nullptr) std::memcpy(&out.topic_id, id, sizeof(Uuid));
  return in.ok;
}

/// Of the partition, the topic and the message.
bool no_tags(Reader& in) {
  constexpr std::size_t kSections = 3;
  const std::byte* const tags = in.take_bytes(kSections);
  return tags != nullptr && (tags[0] | tags[1] | tags[2]) == std::byte{0};
}

template <bool kIsFlexible>
bool decode_body(Bytes body, std::int16_t version, SingleProduce& out) {
  Reader in(body);
  if (!take_string<kIsFlexible>(in, out.transactional_id)) return false;
  out.acks = in.take<std::int16_t>();
  out.timeout_ms = in.take<std::int32_t>();
  if (take_length<kIsFlexible, std::int32_t>(in) != 1) return false;
  if (!take_topic<kIsFlexible>(in, version, out) || take_length<kIsFlexible, std::int32_t>(in) != 1) return false;
  out.partition = in.take<std::int32_t>();
  const std::int64_t length = take_length<kIsFlexible, std::int32_t>(in);
  out.records = take_piece(in, length);
  return in.ok && (!kIsFlexible || no_tags(in));
}

/// Writes where there is room for it.
struct Pen {
  std::byte* at;

  template <std::integral T>
  void put(T value) {
    store_be(at, value);
    at += sizeof value;
  }
  void put(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
  }
  void put_uvarint(std::uint32_t value) {
    for (; value >= 0x80; value >>= 7) put(static_cast<std::uint8_t>(value | 0x80));
    put(static_cast<std::uint8_t>(value));
  }
};

template <bool kIsFlexible>
void put_array_of_one(Pen& pen) {
  if constexpr (kIsFlexible) return pen.put(std::uint8_t{2});  // lengths count from 1
  pen.put(std::int32_t{1});
}

template <bool kIsFlexible>
void put_topic(const SingleProduced& answer, std::int16_t version, Pen& pen) {
  if (version >= kFirstTopicIds) return pen.put(Bytes(answer.topic_id.bytes));
  if constexpr (kIsFlexible) {
    pen.put_uvarint(static_cast<std::uint32_t>(answer.topic.size() + 1));
  } else {
    pen.put(static_cast<std::int16_t>(answer.topic.size()));
  }
  pen.put(std::as_bytes(std::span(answer.topic)));
}

/// No record errors and no message.
template <bool kIsFlexible>
void put_no_errors(std::int16_t version, Pen& pen) {
  if (version < kFirstRecordErrors) return;
  if constexpr (kIsFlexible) return pen.put(std::uint16_t{0x0100});
  pen.put(std::int32_t{0});
  pen.put(std::int16_t{-1});
}

/// More than the answer takes beside its topic in any version.
constexpr std::size_t kMostAnswerBytes = 64;

template <bool kIsFlexible>
std::byte* encode_body(const SingleProduced& answer, std::int16_t version, std::byte* to) {
  Pen pen{to};
  put_array_of_one<kIsFlexible>(pen);
  put_topic<kIsFlexible>(answer, version, pen);
  put_array_of_one<kIsFlexible>(pen);
  pen.put(answer.partition);
  pen.put(std::int16_t{0});  // no error
  pen.put(answer.base_offset.value);
  pen.put(answer.log_append_time.value);
  if (version >= kFirstLogStart) pen.put(answer.log_start_offset.value);
  put_no_errors<kIsFlexible>(version, pen);
  if constexpr (kIsFlexible) pen.put(std::uint16_t{0});  // no tags of the partition and the topic
  pen.put(std::int32_t{0});                              // throttle time
  if constexpr (kIsFlexible) pen.put(std::uint8_t{0});   // no tags
  return pen.at;
}

}  // namespace

bool decode_single_produce(Bytes body, std::int16_t version, SingleProduce& out) {
  if (version < kFirstVersion || version > kLastVersion) return false;
  return version >= kFirstFlexible ? decode_body<true>(body, version, out) : decode_body<false>(body, version, out);
}

void encode_single_produced(const SingleProduced& answer, std::int16_t version, Output& out) {
  out.write(kMostAnswerBytes + answer.topic.size(), [&](std::byte* to) {
    return version >= kFirstFlexible ? encode_body<true>(answer, version, to) : encode_body<false>(answer, version, to);
  });
}

}  // namespace tidelog::proto
