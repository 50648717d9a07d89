#pragma once

#include "broker/handlers/handler.h"
#include "broker/quorum/controller.h"
#include "broker/shard/run_on.h"

#include <optional>

namespace tidelog::broker {

/// What the machine decides on the controller's loop.
template <class Decide, class Decision>
asio::awaitable<void> commit(Controller& controller, const Decide& decide, std::optional<Decision>& decision) {
  Decision made = co_await controller.change(decide);
  decision.emplace(std::move(made));
}

/// Has the controller ask `decide` and commit what it says, on the controller's shard; the answer comes back on the caller's. `decide` and
/// what it refers to live in the caller, who awaits this.
template <class Decide>
auto change_metadata(HandlerContext context, const Decide& decide)
    -> asio::awaitable<std::invoke_result_t<const Decide&, const MetadataMachine&>> {
  std::optional<std::invoke_result_t<const Decide&, const MetadataMachine&>> decision;
  co_await await_on(context.node.home().shard.loop(), context.loop(), commit(context.node.controller, decide, decision));
  co_return std::move(*decision);
}

}  // namespace tidelog::broker
