#include "proto/codec/api_table.h"
#include "proto/codec/interpreter.h"
#include "proto/codec/single_produce.h"
#include "proto/messages/produce_request.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

// Any bytes as the body of any message: the first byte is the API key, the second says request (even) or response, the third is the
// version. What is served comes from the API table; numbers beyond it are folded into it, so that every input is of use.
// Properties: nothing is read outside the body; what was decoded encodes, and that decodes and encodes to the same bytes;
// a produce for one partition is read by hand as by the tables, or not at all.

namespace {

using namespace tidelog;
using namespace tidelog::proto;

constexpr std::size_t kChoiceBytes = 3;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Room for a message of any type, holding its defaults.
class Message {
 public:
  explicit Message(const Schema& schema) : memory_(schema.size_bytes / sizeof(std::max_align_t) + 1) { schema.construct(memory_.data()); }
  void* data() { return memory_.data(); }

 private:
  std::vector<std::max_align_t> memory_;
};

const ApiInfo& choose_api(std::uint8_t number) {
  if (const ApiInfo* api = find_api(number)) return *api;
  const std::span<const ApiInfo> apis = served_apis();
  return apis[number % apis.size()];
}

std::int16_t choose_version(const VersionRange& versions, std::uint8_t number) {
  if (versions.contains(number)) return number;
  return static_cast<std::int16_t>(versions.first + number % (versions.last - versions.first + 1));
}

void decode_and_encode(const Schema& schema, std::int16_t version, Bytes body) {
  Message first(schema);
  if (!decode_message(body, version, schema, first.data())) return;
  Output once;
  encode_message(first.data(), version, schema, once);

  Message second(schema);
  require(decode_message(once.bytes(), version, schema, second.data()).has_value());
  Output twice;
  encode_message(second.data(), version, schema, twice);
  require(std::ranges::equal(once.bytes(), twice.bytes()));
}

void decode_single(std::int16_t version, Bytes body) {
  SingleProduce single;
  if (!decode_single_produce(body, version, single)) return;
  ProduceRequest message;
  require(decode(body, version, message).has_value() && message.topic_data.size() == 1);
  const auto topic = *message.topic_data.begin();
  require(topic.partition_data.size() == 1);
  const auto part = *topic.partition_data.begin();
  require(single.timeout_ms == message.timeout_ms);
  require(single.acks == message.acks && single.transactional_id == message.transactional_id);
  require(version >= 13 ? single.topic_id == topic.topic_id : single.topic == topic.name);
  require(single.partition == part.index && single.records.data() == part.records.bytes.data());
  require(single.records.size() == part.records.bytes.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < kChoiceBytes) return 0;
  const ApiInfo& api = choose_api(data[0]);
  const Schema& schema = data[1] % 2 == 0 ? *api.request : *api.response;
  const std::int16_t version = choose_version(schema.versions, data[2]);
  const Bytes body = std::as_bytes(std::span(data, size)).subspan(kChoiceBytes);
  decode_and_encode(schema, version, body);
  decode_single(version, body);
  return 0;
}
