#pragma once

#include "broker/net/connection.h"

#include <memory>

namespace tidelog::broker {

/// Serves nobody: for tests in which no request comes.
class Silent final : public RequestHandler {
 public:
  Started produce(Connection&, Request&, std::unique_ptr<PendingResponse>&) override { return Started::never; }
  asio::awaitable<std::unique_ptr<PendingResponse>> produce_later(Connection&, Request) override { co_return nullptr; }
  asio::awaitable<Outcome> serve(Connection&, Request, SendQueue&) override { co_return Outcome::close; }
  void closed(Connection&) override {}
};

}  // namespace tidelog::broker
