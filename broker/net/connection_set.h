#pragma once

#include "broker/logging/rate_limited.h"
#include "broker/net/connection.h"

#include <memory>
#include <unordered_map>

namespace tidelog::broker {

/// The connections of one shard. Thread: its loop.
class ConnectionSet {
 public:
  ConnectionSet(Shard& shard, RequestHandler& handler, ConnectionLimits limits);
  ConnectionSet(const ConnectionSet&) = delete;
  ConnectionSet& operator=(const ConnectionSet&) = delete;

  /// Serves a new connection until it ends, then calls `on_end`.
  void adopt(std::unique_ptr<Accepted> accepted, Job on_end);
  /// A clean stop: everybody finishes what they are at. Returns when the last one left.
  asio::awaitable<void> finish();
  [[nodiscard]] std::size_t size() const { return connections_.size(); }

 private:
  asio::awaitable<void> serve(std::uint64_t id, Job on_end);

  Shard& shard_;
  RequestHandler& handler_;
  const ConnectionLimits limits_;
  Gate gate_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::uint64_t next_id_ = 0;
  RateLimited limited_;
};

}  // namespace tidelog::broker
