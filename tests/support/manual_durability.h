#pragma once

#include "broker/shard/durability.h"

#include <utility>

namespace tidelog::broker {

/// Rounds that begin and end by hand.
class ManualDurability final : public Durability {
 public:
  void contribute(DurableLog& log) override { waiting_ = &log; }
  void forget(DurableLog&) override { waiting_ = nullptr; }
  asio::awaitable<void> contributed_are_durable() override { co_return; }
  asio::awaitable<void> sync_files(std::vector<DurableLog*>) override { co_return; }

  [[nodiscard]] bool has_work() const { return waiting_ != nullptr; }
  void begin_round() { ticket_ = std::exchange(waiting_, nullptr)->begin_sync(storage::SyncMeans::files); }
  void end_round(DurableLog& log) { log.finish_sync(ticket_); }

 private:
  DurableLog* waiting_ = nullptr;
  storage::SyncTicket ticket_;
};

}  // namespace tidelog::broker
