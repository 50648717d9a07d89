#include "bench/floor/answers.h"

#include "bench/common/wire.h"

#include <string_view>

namespace tidelog::bench {
namespace {

constexpr std::string_view kTopic = "bench";
constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kCorrelationAt = 4;

void put_tags_of_none(Writer& out, int sections) {
  for (int i = 0; i < sections; ++i) out.put_uvarint(0);
}

}  // namespace

Answers::Answers() {
  Writer out;
  out.put<std::int32_t>(0);  // length
  out.put<std::int32_t>(0);  // correlation id
  put_tags_of_none(out, 1);
  out.put_uvarint(2);  // one topic
  out.put_compact_string(kTopic);
  out.put_uvarint(2);        // one partition
  out.put<std::int32_t>(0);  // index
  out.put<std::int16_t>(0);  // error code
  base_offset_at_ = out.size();
  out.put<std::int64_t>(0);   // base offset
  out.put<std::int64_t>(-1);  // log append time
  out.put<std::int64_t>(0);   // log start offset
  out.put_uvarint(1);         // no record errors
  out.put_uvarint(0);         // no error message
  put_tags_of_none(out, 2);
  out.put<std::int32_t>(0);  // throttle time
  put_tags_of_none(out, 1);
  out.patch(0, static_cast<std::int32_t>(out.size() - kLengthBytes));
  produce_.assign(out.bytes().begin(), out.bytes().end());
}

Bytes Answers::produce(std::int32_t correlation_id) {
  store_be(produce_.data() + kCorrelationAt, correlation_id);
  store_be(produce_.data() + base_offset_at_, next_offset_++);
  return produce_;
}

Bytes Answers::fetch_head(std::int32_t correlation_id, std::size_t records_bytes) {
  Writer out;
  out.put<std::int32_t>(0);
  out.put(correlation_id);
  put_tags_of_none(out, 1);
  out.put<std::int32_t>(0);  // throttle time
  out.put<std::int16_t>(0);  // error code
  out.put<std::int32_t>(0);  // session id
  out.put_uvarint(2);
  out.put_compact_string(kTopic);
  out.put_uvarint(2);
  out.put<std::int32_t>(0);   // index
  out.put<std::int16_t>(0);   // error code
  out.put<std::int64_t>(0);   // high watermark
  out.put<std::int64_t>(0);   // last stable offset
  out.put<std::int64_t>(0);   // log start offset
  out.put_uvarint(1);         // no aborted transactions
  out.put<std::int32_t>(-1);  // preferred read replica
  out.put_uvarint(records_bytes + 1);
  out.patch(0, static_cast<std::int32_t>(out.size() + records_bytes + fetch_tail().size() - kLengthBytes));
  fetch_.assign(out.bytes().begin(), out.bytes().end());
  return fetch_;
}

Bytes Answers::fetch_tail() {
  static constexpr std::byte kNoTags[3] = {};  // of the partition, the topic and the message
  return kNoTags;
}

}  // namespace tidelog::bench
