#pragma once

#include "broker/handlers/fetch_session_cache.h"
#include "broker/handlers/handler.h"
#include "broker/handlers/produce.h"

namespace tidelog::broker {

/// What a shard's fetch sessions may take of memory: some 200,000 partitions.
inline constexpr std::size_t kFetchSessionBytes = 48UL << 20;

/// Hands each request to the code that serves it. One per shard.
class Dispatcher final : public RequestHandler {
 public:
  Dispatcher(const Node& node, ShardServices& here);

  std::unique_ptr<PendingResponse> produce(Connection& connection, Request&& request) override;
  asio::awaitable<Outcome> serve(Connection& connection, Request request, SendQueue& to) override;
  void closed(Connection& connection) override;

 private:
  const Node& node_;
  ShardServices& here_;
  ProduceHandler produce_;
  FetchSessionCache fetch_sessions_;
};

}  // namespace tidelog::broker
