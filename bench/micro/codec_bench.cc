#include "bench/load/requests.h"
#include "proto/codec/frame.h"
#include "proto/messages/fetch_request.h"
#include "proto/messages/fetch_response.h"
#include "proto/messages/produce_request.h"
#include "proto/messages/produce_response.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace tidelog::bench {
namespace {

constexpr std::size_t kLengthBytes = 4;

template <class Message>
void decode_frame(benchmark::State& state, const std::vector<std::byte>& frame) {
  for ([[maybe_unused]] auto _ : state) {
    const auto request = proto::decode_request(Bytes(frame).subspan(kLengthBytes));
    Message message;
    if (!request || !proto::decode(request->body, request->header.api_version, message)) state.SkipWithError("the frame is refused");
    benchmark::DoNotOptimize(message);
  }
}

void decode_produce_request(benchmark::State& state) {
  decode_frame<proto::ProduceRequest>(state, produce_request("bench", 0, -1, make_batch(1, 1024)));
}
BENCHMARK(decode_produce_request);

void decode_fetch_request(benchmark::State& state) { decode_frame<proto::FetchRequest>(state, fetch_request("bench", 0, 1 << 20).frame); }
BENCHMARK(decode_fetch_request);

template <class Message>
void encode_frame(benchmark::State& state, std::int16_t version, const Message& message) {
  proto::Output out;
  for ([[maybe_unused]] auto _ : state) {
    out.clear();
    const std::size_t start = proto::begin_response(out, Message::kKey, version, 7);
    proto::encode(message, version, out);
    proto::end_response(out, start);
    benchmark::DoNotOptimize(out.bytes().data());
  }
}

void encode_produce_response(benchmark::State& state) {
  using Message = proto::ProduceResponse;
  const std::vector<Message::PartitionProduceResponse> partitions(1);
  const std::vector<Message::TopicProduceResponse> topics{{.name = "bench", .partition_responses = partitions}};
  encode_frame(state, kProduceVersion, Message{.responses = topics});
}
BENCHMARK(encode_produce_response);

void encode_fetch_response(benchmark::State& state) {
  using Message = proto::FetchResponse;
  std::vector<Message::PartitionData> partitions(1);
  partitions.front().records = {.bytes = {}, .external_bytes = 1 << 20};
  const std::vector<Message::FetchableTopicResponse> topics{{.topic = "bench", .partitions = partitions}};
  encode_frame(state, kFetchVersion, Message{.responses = topics});
}
BENCHMARK(encode_fetch_response);

}  // namespace
}  // namespace tidelog::bench
