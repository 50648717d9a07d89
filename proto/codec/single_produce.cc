#include "proto/codec/single_produce.h"

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
std::int64_t take_short_length(Reader& in, bool is_flexible) {
  if (is_flexible) return static_cast<std::int64_t>(in.take_uvarint()) - 1;
  return in.take<std::int16_t>();
}

std::int64_t take_length(Reader& in, bool is_flexible) {
  if (is_flexible) return static_cast<std::int64_t>(in.take_uvarint()) - 1;
  return in.take<std::int32_t>();
}

/// Nothing for null.
Bytes take_piece(Reader& in, std::int64_t length) {
  if (length < 0) return {};
  const auto size = static_cast<std::size_t>(length);
  const std::byte* const from = in.take_bytes(size);
  return {from, in.ok ? size : 0};
}

std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

bool take_string(Reader& in, bool is_flexible, std::string_view& out) {
  const std::int64_t length = take_short_length(in, is_flexible);
  if (length > static_cast<std::int64_t>(kLongestStringBytes)) return false;
  out = as_text(take_piece(in, length));
  return in.ok;
}

bool take_topic(Reader& in, std::int16_t version, bool is_flexible, SingleProduce& out) {
  if (version < kFirstTopicIds) return take_string(in, is_flexible, out.topic) && out.topic.data() != nullptr;
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

void put_array_of_one(bool is_flexible, Output& out) {
  if (is_flexible) return out.put(std::uint8_t{2});  // lengths count from 1
  out.put(std::int32_t{1});
}

void put_topic(const SingleProduced& answer, std::int16_t version, bool is_flexible, Output& out) {
  if (version >= kFirstTopicIds) return out.append(answer.topic_id.bytes);
  if (is_flexible) {
    out.put_uvarint(static_cast<std::uint32_t>(answer.topic.size() + 1));
  } else {
    out.put(static_cast<std::int16_t>(answer.topic.size()));
  }
  out.append({reinterpret_cast<const std::byte*>(answer.topic.data()), answer.topic.size()});
}

/// No record errors and no message.
void put_no_errors(std::int16_t version, bool is_flexible, Output& out) {
  if (version < kFirstRecordErrors) return;
  if (is_flexible) return out.put(std::uint16_t{0x0100});
  out.put(std::int32_t{0});
  out.put(std::int16_t{-1});
}

}  // namespace

bool decode_single_produce(Bytes body, std::int16_t version, SingleProduce& out) {
  if (version < kFirstVersion || version > kLastVersion) return false;
  const bool is_flexible = version >= kFirstFlexible;
  Reader in(body);
  if (!take_string(in, is_flexible, out.transactional_id)) return false;
  out.acks = in.take<std::int16_t>();
  in.take<std::int32_t>();  // the timeout: a leader knows at once
  if (take_length(in, is_flexible) != 1) return false;
  if (!take_topic(in, version, is_flexible, out) || take_length(in, is_flexible) != 1) return false;
  out.partition = in.take<std::int32_t>();
  const std::int64_t length = take_length(in, is_flexible);
  out.records = take_piece(in, length);
  return in.ok && (!is_flexible || no_tags(in));
}

void encode_single_produced(const SingleProduced& answer, std::int16_t version, Output& out) {
  const bool is_flexible = version >= kFirstFlexible;
  put_array_of_one(is_flexible, out);
  put_topic(answer, version, is_flexible, out);
  put_array_of_one(is_flexible, out);
  out.put(answer.partition);
  out.put(std::int16_t{0});  // no error
  out.put(answer.base_offset.value);
  out.put(answer.log_append_time.value);
  if (version >= kFirstLogStart) out.put(answer.log_start_offset.value);
  put_no_errors(version, is_flexible, out);
  if (is_flexible) out.put(std::uint16_t{0});  // no tags of the partition and the topic
  out.put(std::int32_t{0});                    // throttle time
  if (is_flexible) out.put(std::uint8_t{0});   // no tags
}

}  // namespace tidelog::proto
