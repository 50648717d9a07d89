#pragma once

#include "broker/shard/durability.h"

#include <utility>
#include <vector>

namespace tidelog::broker {

/// Rounds that begin and end by hand.
class ManualDurability final : public Durability {
 public:
  void contribute(DurableLog& log) override { waiting_ = &log; }
  void forget(DurableLog&) override { waiting_ = nullptr; }
  asio::awaitable<bool> contributed_are_durable() override { co_return true; }
  asio::awaitable<bool> sync_files(std::vector<DurableLog*>) override { co_return true; }
  void write_failed(const storage::Log&, Errc error) override { failed_writes.push_back(error); }
  void give_up() override {}

  [[nodiscard]] bool has_work() const { return waiting_ != nullptr; }
  void begin_round() { ticket_ = std::exchange(waiting_, nullptr)->begin_sync(storage::SyncMeans::files); }
  void end_round(DurableLog& log) { log.finish_sync(ticket_); }

  std::vector<Errc> failed_writes;

 private:
  DurableLog* waiting_ = nullptr;
  storage::SyncTicket ticket_;
};

}  // namespace tidelog::broker
