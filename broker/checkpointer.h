#pragma once

#include "broker/log_dir.h"
#include "broker/partition/services.h"
#include "broker/quorum/controller.h"
#include "broker/shard/gate.h"
#include "broker/shard/turns.h"

#include <memory>
#include <span>

namespace tidelog::broker {

/// Writes the manifest now and then, so that a restart has little to read; also the chores of retention.
/// Thread: the first shard's loop.
class Checkpointer {
 public:
  Checkpointer(Env& env, const BrokerOptions& options, std::span<const std::unique_ptr<ShardServices>> shards);

  /// Starts the chores.
  void start(LogDir& dir, Controller& controller);
  /// No more chores; returns when the one under way has ended.
  asio::awaitable<void> stop();
  /// Syncs every log and writes a manifest. `clean`: nothing is appended after this. False if the manifest could not be written.
  asio::awaitable<bool> checkpoint(LogDir& dir, Controller& controller, bool clean);

 private:
  asio::awaitable<void> run();
  asio::awaitable<void> sync_all(Controller& controller);
  asio::awaitable<void> enforce_retention();
  [[nodiscard]] Loop& home() const { return shards_.front()->shard.loop(); }

  Env& env_;
  const BrokerOptions& options_;
  std::span<const std::unique_ptr<ShardServices>> shards_;
  LogDir* dir_ = nullptr;
  Controller* controller_ = nullptr;
  Gate gate_;
  Turns turns_;
  Signal wake_;
  Timer timer_;
  bool stopping_ = false;
};

}  // namespace tidelog::broker
