#include "broker/net/server.h"

#include "tests/support/fake_stream.h"
#include "tests/support/manual_env.h"
#include "tests/support/silent_handler.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <deque>

namespace tidelog::broker {
namespace {

/// Connections that a test makes up, in the order it makes them.
struct Arrivals {
  explicit Arrivals(Loop& loop) : came(loop.executor()) {}
  std::deque<Result<std::unique_ptr<Accepted>>> waiting;
  Signal came;
  bool is_closed = false;
};

class FakeListener final : public Listener {
 public:
  explicit FakeListener(std::shared_ptr<Arrivals> arrivals) : arrivals_(std::move(arrivals)) {}
  asio::awaitable<Result<std::unique_ptr<Accepted>>> accept() override {
    while (arrivals_->waiting.empty() && !arrivals_->is_closed) co_await arrivals_->came.wait();
    if (arrivals_->is_closed) co_return Errc::closed;
    Result<std::unique_ptr<Accepted>> next = std::move(arrivals_->waiting.front());
    arrivals_->waiting.pop_front();
    co_return next;
  }
  Endpoint local() const override { return {}; }
  void close() override {
    arrivals_->is_closed = true;
    arrivals_->came.notify();
  }

 private:
  std::shared_ptr<Arrivals> arrivals_;
};

class ServerTest : public ::testing::Test {
 protected:
  ~ServerTest() override {
    if (server_ == nullptr) return;
    asio::co_spawn(env_.loop().executor(), server_->stop(), asio::detached);
    asio::co_spawn(env_.loop().executor(), set_.finish(), asio::detached);
    env_.loop().run_ready();
  }

  void serve(ConnectionCaps caps, AddressQuota quota = {}) {
    server_ = std::make_unique<Server>(std::make_unique<FakeListener>(arrivals_), std::vector<Server::Seat>{{&shard_, &set_}}, caps,
                                       std::move(quota));
    server_->start();
    env_.loop().run_ready();
  }
  std::shared_ptr<FakeWire> connect(std::string host = "there") {
    auto wire = std::make_shared<FakeWire>(env_.loop());
    wire->peer_host = std::move(host);
    arrivals_->waiting.emplace_back(std::make_unique<FakeAccepted>(wire));
    arrivals_->came.notify();
    env_.loop().run_ready();
    return wire;
  }

  ManualEnv env_;
  Shard shard_{env_, 0, {.request_bytes = 1 << 20, .response_bytes = 1 << 20}};
  Silent handler_;
  ConnectionSet set_{shard_,
                     handler_,
                     {.max_frame_bytes = 1000,
                      .max_in_flight = 1,
                      .idle = std::chrono::seconds(600),
                      .whole_frame = std::chrono::seconds(30),
                      .write_stall = std::chrono::seconds(30)}};
  std::shared_ptr<Arrivals> arrivals_ = std::make_shared<Arrivals>(env_.loop());
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, EveryListenerAcceptsAndAllStop) {
  const auto further = std::make_shared<Arrivals>(env_.loop());
  server_ = std::make_unique<Server>(std::make_unique<FakeListener>(arrivals_), std::vector<Server::Seat>{{&shard_, &set_}},
                                     ConnectionCaps{.total = 3, .per_address = 3});
  server_->add(std::make_unique<FakeListener>(further));
  server_->start();
  for (const auto& door : {arrivals_, further}) {
    for (int i = 0; i < 2; ++i) door->waiting.emplace_back(std::make_unique<FakeAccepted>(std::make_shared<FakeWire>(env_.loop())));
    door->came.notify();
  }
  env_.loop().run_ready();
  EXPECT_EQ(set_.size(), 3U) << "the caps are for all of them together";

  bool has_stopped = false;
  asio::co_spawn(env_.loop().executor(), server_->stop(), [&](const std::exception_ptr&) { has_stopped = true; });
  asio::co_spawn(env_.loop().executor(), set_.finish(), asio::detached);
  env_.loop().run_ready();
  EXPECT_TRUE(has_stopped && arrivals_->is_closed && further->is_closed);
  server_.reset();
}

TEST_F(ServerTest, ARateOfZeroIsNoLimit) {
  serve({.total = 1000, .per_address = 1000, .new_per_second_per_address = 0});

  for (int i = 0; i < 300; ++i) connect();

  EXPECT_EQ(set_.size(), 300U);
}

TEST_F(ServerTest, RefusesWhatIsBeyondACapAndCountsIt) {
  serve({.total = 3, .per_address = 2, .new_per_second_per_address = 0});

  for (int i = 0; i < 3; ++i) connect();

  EXPECT_EQ(set_.size(), 2U);
  EXPECT_EQ(shard_.limits().count(Limit::max_connections_per_ip), 1U);
}

TEST_F(ServerTest, TheRateIsOfOneSecond) {
  serve({.total = 1000, .per_address = 1000, .new_per_second_per_address = 5});
  for (int i = 0; i < 8; ++i) connect();
  const std::size_t at_first = set_.size();
  env_.loop().advance(std::chrono::seconds(1));

  connect();

  EXPECT_EQ(at_first, 5U);
  EXPECT_EQ(set_.size(), 6U);
  EXPECT_EQ(shard_.limits().count(Limit::max_connection_creation_rate), 3U);
}

/// A quota of two a second for everybody, over ten samples and the one that is being filled: twenty may come at once.
AddressQuota two_a_second() {
  return {.rate = [](std::string_view) { return std::optional(2.0); }, .window = {}};
}

TEST_F(ServerTest, AnAddressOverItsQuotaIsHeldForAWhileAndThenClosed) {
  serve({.total = 1000, .per_address = 1000, .new_per_second_per_address = 0}, two_a_second());
  for (int i = 0; i < 20; ++i) connect();

  const auto refused = connect();
  const bool was_held = !refused->is_closed;
  env_.loop().advance(std::chrono::milliseconds(1100));
  env_.loop().run_ready();

  EXPECT_EQ(set_.size(), 20U);
  EXPECT_TRUE(was_held);
  EXPECT_TRUE(refused->is_closed);
  EXPECT_EQ(shard_.limits().count(Limit::ip_quota), 1U);
}

TEST_F(ServerTest, AQuotaGivesBackWhatTimePasses) {
  serve({.total = 1000, .per_address = 1000, .new_per_second_per_address = 0}, two_a_second());
  for (int i = 0; i < 21; ++i) connect();
  env_.loop().advance(std::chrono::seconds(12));

  connect();

  EXPECT_EQ(set_.size(), 21U);
}

TEST_F(ServerTest, AQuotaTakesThePlaceOfTheCapOnTheRate) {
  serve({.total = 1000, .per_address = 1000, .new_per_second_per_address = 5}, two_a_second());

  for (int i = 0; i < 20; ++i) connect();

  EXPECT_EQ(set_.size(), 20U);
}

TEST_F(ServerTest, AFloodBeyondAQuotaKeepsFewDescriptors) {
  serve({.total = 1000, .per_address = 1000, .new_per_second_per_address = 0}, two_a_second());
  std::vector<std::shared_ptr<FakeWire>> refused;
  for (int i = 0; i < 1000; ++i) refused.push_back(connect());

  const auto held = std::ranges::count_if(refused, [](const auto& wire) { return !wire->is_closed; });

  EXPECT_LE(held, 20 + static_cast<std::ptrdiff_t>(LateCloses::kMost));
}

// An IPv6 socket tells an IPv4 address in its own spelling.
TEST_F(ServerTest, AnAddressCountsOnceHoweverItIsSpelled) {
  serve({.total = 1000, .per_address = 2, .new_per_second_per_address = 0});

  connect("10.0.0.7");
  connect("::ffff:10.0.0.7");
  const auto third = connect("::ffff:10.0.0.7");
  const auto other = connect("::ffff:10.0.0.8");

  EXPECT_TRUE(third->is_closed);
  EXPECT_FALSE(other->is_closed);
}

// Whoever has one IPv6 address usually has 2^64 of them.
TEST_F(ServerTest, AddressesOfOneNetworkCountTogether) {
  serve({.total = 1000, .per_address = 3, .new_per_second_per_address = 0});
  for (const char* host : {"fd00:0:0:1::1", "fd00:0:0:1::2"}) connect(host);
  const auto leaver = connect("fd00:0:0:1:ffff::3");

  const auto fourth = connect("fd00:0:0:1::4");
  const auto of_another = connect("fd00:0:0:2::4");
  leaver->close();
  env_.loop().run_ready();
  const auto in_its_place = connect("fd00:0:0:1::5");

  EXPECT_TRUE(fourth->is_closed);
  EXPECT_FALSE(of_another->is_closed);
  EXPECT_FALSE(in_its_place->is_closed);
  EXPECT_EQ(shard_.limits().count(Limit::max_connections_per_ip), 1U);
}

TEST_F(ServerTest, TheRateOfANetworkIsCountedThoughItsAddressesHaveQuotas) {
  serve({.total = 1000, .per_address = 1000, .new_per_second_per_address = 5}, two_a_second());

  for (int i = 0; i < 8; ++i) connect("fd00::" + std::to_string(i));

  EXPECT_EQ(set_.size(), 5U);
  EXPECT_EQ(shard_.limits().count(Limit::max_connection_creation_rate), 3U);
}

TEST_F(ServerTest, AQuotaCountsAnAddressHoweverItIsSpelled) {
  serve({.total = 1000, .per_address = 1000, .new_per_second_per_address = 0}, two_a_second());

  for (int i = 0; i < 21; ++i) connect(i % 2 == 0 ? "10.0.0.7" : "::ffff:10.0.0.7");

  EXPECT_EQ(set_.size(), 20U);
  EXPECT_EQ(shard_.limits().count(Limit::ip_quota), 1U);
}

// Without this, idle clients could keep everybody else out for ever.
TEST_F(ServerTest, AFullBrokerTakesThePlaceOfWhoWasIdleLongest) {
  serve({.total = 2, .per_address = 10, .new_per_second_per_address = 0});
  const auto idle = connect();
  env_.loop().advance(std::chrono::seconds(100));
  const auto busy = connect();

  const auto refused = connect();
  env_.loop().run_ready();
  const auto next = connect();

  EXPECT_TRUE(idle->is_closed);
  EXPECT_TRUE(refused->is_closed);
  EXPECT_FALSE(busy->is_closed);
  EXPECT_FALSE(next->is_closed);
}

TEST_F(ServerTest, WithoutDescriptorsItWaitsALittleInsteadOfTurning) {
  serve({.total = 10, .per_address = 10, .new_per_second_per_address = 0});
  arrivals_->waiting.emplace_back(Errc::refused);
  const auto behind = connect();
  const bool was_seated = set_.size() > 0;

  env_.loop().advance(std::chrono::milliseconds(100));
  env_.loop().run_ready();

  EXPECT_FALSE(was_seated);
  EXPECT_EQ(set_.size(), 1U);
  EXPECT_EQ(shard_.limits().count(Limit::file_descriptors), 1U);
}

}  // namespace
}  // namespace tidelog::broker
