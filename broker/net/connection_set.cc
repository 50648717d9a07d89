#include "broker/net/connection_set.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <exception>

namespace tidelog::broker {

ConnectionSet::ConnectionSet(Shard& shard, RequestHandler& handler, ConnectionLimits limits)
    : shard_(shard), handler_(handler), limits_(limits), gate_(shard.loop().executor()) {}

void ConnectionSet::adopt(std::unique_ptr<Accepted> accepted, Job on_end) {
  if (gate_.is_closed()) return on_end();
  const std::uint64_t id = next_id_++;
  connections_.emplace(id, std::make_unique<Connection>(shard_, handler_, accepted->open(shard_.loop()), limits_));
  asio::co_spawn(shard_.loop().executor(), serve(id, std::move(on_end)), asio::detached);
}

asio::awaitable<void> ConnectionSet::serve(std::uint64_t id, Job on_end) {
  const Gate::Pass pass = gate_.enter();
  Connection& connection = *connections_.at(id);
  try {
    co_await connection.run();
  } catch (const std::exception& error) {
    log_error("connection from {} ended by an internal error: {}", connection.peer().host, error.what());
    connection.close();
  }
  if (!connection.close_reason().empty()) {
    limited_.warn(shard_.loop().now(), "closed a connection", "closed the connection from {}:{}: {}", connection.peer().host,
                  connection.peer().port, connection.close_reason());
  }
  connections_.erase(id);
  on_end();
}

asio::awaitable<void> ConnectionSet::finish() {
  for (const auto& [id, connection] : connections_) connection->finish();
  co_await gate_.close();
}

}  // namespace tidelog::broker
