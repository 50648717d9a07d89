#pragma once

#include "broker/handlers/fetch_session_cache.h"
#include "broker/handlers/handler.h"
#include "broker/handlers/produce.h"

namespace tidelog::broker {

/// Hands each request to the code that serves it. One per shard.
class Dispatcher final : public RequestHandler {
 public:
  Dispatcher(const Node& node, ShardServices& here);

  Started produce(Connection& connection, Request& request, std::unique_ptr<PendingResponse>& response) override;
  asio::awaitable<std::unique_ptr<PendingResponse>> produce_later(Connection& connection, Request request) override;
  asio::awaitable<Outcome> serve(Connection& connection, Request request, SendQueue& to) override;
  void closed(Connection& connection) override;

 private:
  /// A request whose client pays for the time it takes.
  asio::awaitable<Outcome> serve_timed(Connection& connection, Request request, SendQueue& to);
  asio::awaitable<Outcome> serve_untimed(Connection& connection, Request request, SendQueue& to);
  /// A request that may ask for much: there has to be memory for it first.
  asio::awaitable<Outcome> serve_large(Connection& connection, Request request, SendQueue& to);
  asio::awaitable<Outcome> route(Connection& connection, Request request, SendQueue& to);

  HandlerContext context_of(Connection& connection) {
    return {.node = node_, .here = here_, .connection = connection, .fetch_sessions = fetch_sessions_};
  }

  const Node& node_;
  ShardServices& here_;
  ProduceHandler produce_;
  FetchSessionCache fetch_sessions_;
};

}  // namespace tidelog::broker
