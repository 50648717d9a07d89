#pragma once

#include "broker/net/connection_set.h"
#include "tests/support/fake_stream.h"
#include "tests/support/manual_env.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

namespace tidelog::broker {

inline constexpr std::size_t kRequestMemory = 1 << 20;
inline constexpr std::size_t kResponseMemory = 1 << 20;

/// The answer of a Produce, for which the test says when it is there. Until then it keeps the request, as a real one does.
class LateAnswer final : public PendingResponse {
 public:
  LateAnswer(Connection& connection, ReceiveBlockPointer request) : connection_(connection), request_(std::move(request)) {}
  Outcome encode(SendQueue& to) override {
    to.output().append(std::vector<std::byte>(10));
    return Outcome::keep;
  }
  void come() {
    is_ready_ = true;
    connection_.response_ready();
  }

 private:
  Connection& connection_;
  ReceiveBlockPointer request_;
};

/// Answers every request with as many bytes as the test wants.
class Answering final : public RequestHandler {
 public:
  Started produce(Connection& connection, Request& request, std::unique_ptr<PendingResponse>& response) override {
    if (throws) throw std::runtime_error("of a test");
    if (memory_comes != nullptr) return Started::later;
    auto answer = std::make_unique<LateAnswer>(connection, request.block);
    late = answer.get();
    response = std::move(answer);
    return Started::yes;
  }
  asio::awaitable<std::unique_ptr<PendingResponse>> produce_later(Connection& connection, Request request) override {
    co_await std::exchange(memory_comes, nullptr)->wait();
    std::unique_ptr<PendingResponse> response;
    produce(connection, request, response);
    co_return response;
  }
  asio::awaitable<Outcome> serve(Connection& connection, Request request, SendQueue& to) override {
    if (throws) throw std::runtime_error("of a test");
    ++served;
    order.push_back(&connection);
    if (waits_with.for_records != nullptr) {
      request.block.reset();
      connection.let_go_of_request();
      co_await wait_as_a_fetch(connection, waits_with);
    }
    if (keeps_request_until != nullptr) co_await keeps_request_until->wait();
    if (wants_bytes > 0) connection.make_room_for_answer(wants_bytes);
    to.output().append(std::vector<std::byte>(answer_bytes));
    co_return Outcome::keep;
  }
  void closed(Connection&) override { ++ended; }

  /// A request that waits for something that may never come.
  struct Wait {
    std::size_t bytes = 0;
    Signal* for_records = nullptr;
    bool fails = false;  ///< In the end.
  };

  static asio::awaitable<void> wait_as_a_fetch(Connection& connection, Wait wait) {
    if (wait.bytes > 0) EXPECT_TRUE(connection.laid_out().try_resize(connection.shard(), wait.bytes));
    connection.client().waits_on = wait.for_records;
    connection.client().waits_for_records = true;
    co_await wait.for_records->wait();
    if (wait.fails) throw std::runtime_error("of a test");
    connection.client().waits_for_records = false;
    connection.client().waits_on = nullptr;
  }

  Wait waits_with;
  std::size_t answer_bytes = 10;
  std::size_t wants_bytes = 0;  ///< Asked for before each answer.
  int served = 0;
  int ended = 0;
  std::vector<const Connection*> order;   ///< Whose request was served when.
  Signal* keeps_request_until = nullptr;  ///< Each request stays as it came until then. For one at a time.
  bool throws = false;
  LateAnswer* late = nullptr;      ///< The newest.
  Signal* memory_comes = nullptr;  ///< The next produce lacks memory until then.
};

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() { make({}); }
  ~ConnectionTest() override {
    for (const auto& wire : wires_) {
      wire->is_closed = true;
      wire->readable.notify();
      wire->writable.notify();
    }
    env_.loop().run_ready();
  }

  void make(SteadyTime idle, SteadyTime whole_frame = std::chrono::seconds(30)) {
    set_ = std::make_unique<ConnectionSet>(shard_, handler_,
                                           ConnectionLimits{.max_frame_bytes = 4 << 20,
                                                            .max_in_flight = 100,
                                                            .idle = idle == SteadyTime{} ? std::chrono::seconds(600) : idle,
                                                            .whole_frame = whole_frame,
                                                            .write_stall = std::chrono::seconds(30)});
  }
  /// Each connection from a port of its own.
  std::shared_ptr<FakeWire> connect(std::string host = "there") {
    wires_.push_back(std::make_shared<FakeWire>(env_.loop()));
    wires_.back()->peer_host = std::move(host);
    wires_.back()->peer_port = static_cast<std::uint16_t>(wires_.size());
    set_->adopt(std::make_unique<FakeAccepted>(wires_.back()), [] {});
    env_.loop().run_ready();
    return wires_.back();
  }
  void give(FakeWire& wire, std::string_view bytes) {
    wire.give(bytes);
    env_.loop().run_ready();
  }
  void take(FakeWire& wire, std::size_t bytes) {
    wire.take(bytes);
    env_.loop().run_ready();
  }
  void pass(SteadyTime time) {
    env_.loop().advance(time);
    env_.loop().run_ready();
  }
  /// An old Metadata request.
  static std::string request() { return std::string("\0\0\0\x0e\0\3\0\1\0\0\0\7\xff\xff\0\0\0\0", 18); }
  /// The same with so many bytes behind it that nobody asked for.
  static std::string padded_request(std::size_t bytes) {
    std::string whole = request();
    whole.resize(4 + bytes);
    whole[1] = static_cast<char>(bytes >> 16);
    whole[2] = static_cast<char>(bytes >> 8);
    whole[3] = static_cast<char>(bytes);
    return whole;
  }
  static std::string produce_request() { return std::string("\0\0\0\x0e\0\0\0\3\0\0\0\7\xff\xff\0\0\0\0", 18); }
  [[nodiscard]] std::uint64_t count(Limit limit) { return shard_.limits().count(limit); }

  ManualEnv env_;
  Shard shard_{env_, 0, {.request_bytes = kRequestMemory, .response_bytes = kResponseMemory}};
  Answering handler_;
  std::unique_ptr<ConnectionSet> set_;
  std::vector<std::shared_ptr<FakeWire>> wires_;
};

}  // namespace tidelog::broker
