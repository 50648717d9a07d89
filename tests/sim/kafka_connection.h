#pragma once

#include "proto/codec/frame.h"
#include "tests/sim/network.h"

#include <deque>

namespace tidelog::sim {

/// A simulated client's connection: requests go out one behind the other, answers are read in the same order.
/// Any failure or deadline ends it; the outcome of what was not answered is unknown then. Thread: the client's loop.
class KafkaConnection {
 public:
  KafkaConnection(SimLoop& loop, std::unique_ptr<broker::Stream> stream);

  /// False: the connection is lost.
  template <class Message>
  asio::awaitable<bool> send(const Message& message, std::int16_t version) {
    const auto write = [&](proto::Output& out) { encode(message, version, out); };
    co_return co_await send_as(Message::kKey, version, write);
  }

  /// The same of a request whose body `write` writes.
  template <class Write>
  asio::awaitable<bool> send_as(std::int16_t key, std::int16_t version, const Write& write) {
    proto::Output out;
    const std::size_t start =
        proto::begin_request(out, {.api_key = key, .api_version = version, .correlation_id = next_correlation_id_, .client_id = "sim"});
    write(out);
    proto::end_request(out, start);
    sent_.push_back({.key = key, .version = version, .correlation_id = next_correlation_id_++});
    co_return co_await write_all(out.bytes());
  }

  /// The body of the next answer, good until the next call; nothing came within `patience`: the connection is closed, and lost.
  asio::awaitable<Result<Bytes>> receive(SteadyTime patience);

  /// One request and its answer. False: lost, or not decodable.
  template <class Request, class Response>
  asio::awaitable<bool> call(const Request& request, std::int16_t version, Response& response) {
    if (!co_await send(request, version)) co_return false;
    const Result<Bytes> body = co_await receive(kPatience);
    if (!body) co_return false;
    co_return decode(*body, version, response).has_value();
  }

  static constexpr SteadyTime kPatience = std::chrono::seconds(5);

 private:
  struct Sent {
    std::int16_t key;
    std::int16_t version;
    std::int32_t correlation_id;
  };
  asio::awaitable<bool> write_all(Bytes bytes);
  void close_after(SteadyTime patience);
  /// Whether `buffer_` holds a whole frame.
  [[nodiscard]] bool has_frame() const;

  SimLoop& loop_;
  std::shared_ptr<broker::Stream> stream_;
  std::shared_ptr<std::uint64_t> waits_ = std::make_shared<std::uint64_t>(0);  ///< Rises when a wait ends, so that its deadline is void.
  std::deque<Sent> sent_;
  std::int32_t next_correlation_id_ = 1;
  std::vector<std::byte> buffer_;
  std::size_t consumed_ = 0;  ///< Bytes of `buffer_` that were handed out.
};

}  // namespace tidelog::sim
