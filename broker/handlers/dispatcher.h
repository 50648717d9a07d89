#pragma once

#include "broker/handlers/handler.h"
#include "broker/handlers/produce.h"

namespace tidelog::broker {

/// Hands each request to the code that serves it. One per shard.
class Dispatcher final : public RequestHandler {
 public:
  Dispatcher(const Node& node, ShardServices& here) : node_(node), here_(here), produce_(node, here) {}

  std::unique_ptr<PendingResponse> produce(Connection& connection, Request&& request) override;
  asio::awaitable<Outcome> serve(Connection& connection, Request request, SendQueue& to) override;
  void closed(Connection& connection) override;

 private:
  const Node& node_;
  ShardServices& here_;
  ProduceHandler produce_;
};

}  // namespace tidelog::broker
