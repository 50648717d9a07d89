#pragma once

#include "broker/handlers/handler.h"

#include <optional>

namespace tidelog::broker {

/// How many partitions a client may make and delete (KIP-599). Its bucket lives where the controller does, on the first shard.
class MutationQuota {
 public:
  using Time = TokenBuckets::Time;

  /// `strict_from`: the first version of the request that can be refused; an older one is let through, and its client waits afterwards.
  MutationQuota(HandlerContext context, const proto::RequestHeader& header, std::int16_t strict_from);

  /// Whether the request is refused; how long to wait is in `throttle_time_ms`.
  asio::awaitable<bool> refuses();
  /// Counts partitions that were made or deleted.
  asio::awaitable<void> charge(double partitions);
  /// For the answer; the connection rests meanwhile.
  [[nodiscard]] std::int32_t throttle_time_ms();

  static constexpr const char* kRefusal = "the client is over its controller_mutation_rate: wait, then ask again";

 private:
  asio::awaitable<void> take(double partitions);

  HandlerContext context_;
  const proto::RequestHeader& header_;
  bool is_strict_;
  std::optional<QuotaMatch> match_;  ///< None: unlimited.
  Time wait_{};
};

}  // namespace tidelog::broker
