#include "broker/net/connection_set.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace tidelog::broker {
namespace {

/// Idle for this part of `connections.max.idle.ms`, a connection may have to make place.
constexpr int kIdleShare = 10;
/// How long one waits for memory to read into before somebody has to make room.
constexpr SteadyTime kPatience = std::chrono::seconds(1);
/// What victims held comes back at once; who waits has found it by then.
constexpr SteadyTime kBetweenVictims = std::chrono::seconds(1);
/// Fetches that were answered give their memory back, unless more of the kind stood behind them: then those are victims as well.
constexpr SteadyTime kBetweenPatience = std::chrono::seconds(10);
/// How much of the pool they have to give back.
constexpr std::size_t kShareToFree = 4;
/// All connections are gone over to find the slowest reader.
constexpr SteadyTime kBetweenLooks = std::chrono::milliseconds(50);

}  // namespace

ConnectionSet::ConnectionSet(Shard& shard, RequestHandler& handler, ConnectionLimits limits)
    : shard_(shard), handler_(handler), limits_(limits), gate_(shard.loop().executor()), look_([this] { look_after_waiting(); }) {}

void ConnectionSet::adopt(std::unique_ptr<Accepted> accepted, Job on_end, std::size_t listener) {
  if (gate_.is_closed()) return on_end();
  const std::uint64_t id = next_id_++;
  const ConnectionHost host{.shard = shard_, .handler = handler_, .limits = limits_, .relief = *this};
  auto connection = std::make_unique<Connection>(host, accepted->open(shard_.loop()));
  connection->client().listener = listener;
  connections_.emplace(id, std::move(connection));
  asio::co_spawn(shard_.loop().executor(), serve(id, std::move(on_end)), asio::detached);
}

asio::awaitable<void> ConnectionSet::serve(std::uint64_t id, Job on_end) {
  const Gate::Pass pass = gate_.enter();
  Connection& connection = *connections_.at(id);
  co_await connection.run();
  if (!connection.close_reason().empty()) {
    shard_.limits().hit(connection.close_limit(), shard_.loop().now(), "closed the connection from {}:{}: {}", connection.peer().host,
                        connection.peer().port, connection.close_reason());
  }
  connections_.erase(id);
  on_end();
}

template <class Measure>
Connection* ConnectionSet::greatest(Measure measure) const {
  Connection* found = nullptr;
  for (const auto& [id, connection] : connections_) {
    if (measure(*connection) > (found == nullptr ? 0 : measure(*found))) found = connection.get();
  }
  return found;
}

/// Answers those that keep requests of their peers waiting; returns what these take.
std::size_t ConnectionSet::hurry_fetches() {
  std::size_t coming = 0;
  for (const auto& [id, connection] : connections_) {
    const std::size_t queued = connection->queued_behind_wait_bytes();
    if (queued == 0) continue;
    coming += queued;
    connection->hurry();
  }
  return coming;
}

void ConnectionSet::watch_request_memory() {
  if (!look_.is_armed()) shard_.timers().arm_in(look_, kBetweenLooks);
}

void ConnectionSet::look_after_waiting() {
  const Unfinished there = unfinished();
  if (there.lacks_since == SteadyTime::max()) return;
  shard_.timers().arm_in(look_, kBetweenLooks);
  const SteadyTime now = shard_.loop().now();
  if (now < next_victims_) return;
  if (now - there.lacks_since >= kPatience || shard_.budget()->is_stuck_with(there.waiting_bytes)) free_request_memory(there);
}

ConnectionSet::Unfinished ConnectionSet::unfinished() const {
  Unfinished all;
  for (const auto& [id, connection] : connections_) {
    const SteadyTime since = connection->lacks_memory_since();
    const std::size_t bytes = connection->unfinished_bytes();
    all.bytes += bytes;
    if (since != SteadyTime::max()) all.waiting_bytes += bytes;
    all.lacks_since = std::min(all.lacks_since, since);
  }
  return all;
}

void ConnectionSet::free_request_memory(const Unfinished& there) {
  const SteadyTime now = shard_.loop().now();
  // One large request is enough. A crowd that shares the pool in small pieces would have a single one back before anybody else.
  const std::size_t wanted = shard_.budget()->limit_bytes() / kShareToFree;
  next_victims_ = now + kBetweenVictims;
  if (hurry_fetches() >= wanted && now >= next_patience_) {
    next_patience_ = now + kBetweenPatience;
    return;
  }
  // Else requests that are being served have it: they end by themselves.
  if (there.bytes < shard_.budget()->used_bytes() / 2) {
    next_victims_ = now;
    return;
  }
  for (std::size_t freed = 0; freed < wanted;) {
    Connection* const most = greatest_unfinished();
    if (most == nullptr) return;
    freed += most->unfinished_bytes();
    most->fail(Limit::queued_max_request_bytes, "others wait for the memory of its unfinished request");
  }
}

/// Whoever has one large request has less than a crowd has together.
Connection* ConnectionSet::greatest_unfinished() {
  std::unordered_map<NameDigest, std::size_t, NameDigestHash> by_address;
  NameDigest most{};
  for (const auto& [id, connection] : connections_) {
    const std::size_t bytes = connection->unfinished_bytes();
    if (bytes == 0) continue;
    const NameDigest& address = connection->taker().address;
    std::size_t& its = by_address[address];
    its += bytes;
    if (its > by_address[most]) most = address;
  }
  return greatest([&most](Connection& connection) {
    const std::size_t bytes = connection.unfinished_bytes();
    return bytes > 0 && connection.taker().address == most ? bytes : 0;
  });
}

void ConnectionSet::free_response_memory() {
  const Budget& budget = *shard_.response_budget();
  // Half as much again is what those may have together who have had no time to read yet.
  while (budget.used_bytes() > budget.limit_bytes() + budget.limit_bytes() / 2) {
    Connection* most = greatest([](const Connection& connection) { return connection.unread_bytes(); });
    if (most == nullptr) break;
    most->fail(Limit::response_memory_bytes, "it holds the most answers that it does not read");
  }
  if (budget.is_exceeded()) make_room_for_answer(0);
}

Connection* ConnectionSet::slowest_reader() const {
  Connection* slowest = greatest([](Connection& connection) { return connection.time_to_be_read().count(); });
  // At its pace of late it would not be done when a peer that reads nothing has to be gone.
  return slowest != nullptr && slowest->time_to_be_read() > limits_.write_stall ? slowest : nullptr;
}

void ConnectionSet::make_room_for_answer(std::size_t bytes) {
  const SteadyTime now = shard_.loop().now();
  if (now < next_look_) return;
  next_look_ = now + kBetweenLooks;
  const Budget& budget = *shard_.response_budget();
  std::size_t coming = 0;  // As soon as those who wait were answered.
  while (!budget.has_room(bytes, coming)) {
    Connection* most = greatest([](const Connection& connection) { return connection.waiting_bytes(); });
    if (most == nullptr) break;
    coming += most->waiting_bytes();
    most->hurry();
  }
  while (!budget.has_room(bytes, coming)) {
    Connection* slowest = slowest_reader();
    if (slowest == nullptr) return;
    slowest->fail(Limit::response_memory_bytes, "others wait for the memory of answers that it does not read");
  }
}

void ConnectionSet::close_longest_idle() {
  const SteadyTime now = shard_.loop().now();
  Connection* longest = greatest([now](const Connection& connection) {
    const std::optional<SteadyTime> since = connection.idle_since();
    return since ? (now - *since).count() : 0;
  });
  if (longest == nullptr || now - *longest->idle_since() < limits_.idle / kIdleShare) return;
  longest->fail(Limit::max_connections, "it was idle for longest and others want its place");
}

asio::awaitable<void> ConnectionSet::finish() {
  for (const auto& [id, connection] : connections_) connection->finish();
  co_await gate_.close();
}

}  // namespace tidelog::broker
