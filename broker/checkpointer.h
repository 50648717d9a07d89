#pragma once

#include "broker/journal_keeper.h"
#include "broker/log_dir.h"
#include "broker/partition/services.h"
#include "broker/quorum/controller.h"
#include "broker/shard/gate.h"
#include "broker/shard/turns.h"

#include <memory>
#include <span>

namespace tidelog::broker {

/// Writes the manifest: now and then, so that a restart has little to read, and when a log start has to survive a crash. Also the chores of
/// retention.
/// Thread: the first shard's loop.
class Checkpointer {
 public:
  Checkpointer(Env& env, const BrokerOptions& options, SharedJournal& journal, std::span<const std::unique_ptr<ShardServices>> shards);

  /// Starts the chores.
  void start(LogDir& dir, Controller& controller);
  /// No more chores; returns when the one under way has ended.
  asio::awaitable<void> stop();
  /// Syncs every log and writes a manifest. `clean`: nothing is appended after this. False if the manifest could not be written.
  asio::awaitable<bool> checkpoint(LogDir& dir, Controller& controller, bool clean);
  /// Returns once every log start that was moved before this call is in a manifest on disk; false if that could not be written. Calls that
  /// come while one is being written share the next. Only between `start` and `stop`.
  asio::awaitable<bool> log_starts_are_durable();

 private:
  /// When the chores come next.
  struct Due {
    SteadyTime retention;
    SteadyTime checkpoint;
    SteadyTime heal;
    SteadyTime wanted_checkpoint{};  ///< Not before that, however full the journal is.
  };
  asio::awaitable<void> run();
  /// True: whatever the journal held when it began is in synced files.
  asio::awaitable<bool> sync_all(Controller& controller);
  /// A log start above what is synced would have recovery begin behind records that only the journal has.
  asio::awaitable<void> sync_below_log_starts();
  asio::awaitable<void> open_journal();
  asio::awaitable<void> do_chores(Due& due);
  /// A manifest once a restart would read much of what was synced since the last one.
  asio::awaitable<void> note_progress();
  /// Needs its turn.
  asio::awaitable<bool> write_manifest(LogDir& dir, Controller& controller, bool clean, Reserve::Use use);
  /// What a full disk refused is tried again.
  asio::awaitable<void> heal();
  asio::awaitable<void> enforce_retention();
  [[nodiscard]] Loop& home() const { return shards_.front()->shard.loop(); }

  Env& env_;
  const BrokerOptions& options_;
  std::span<const std::unique_ptr<ShardServices>> shards_;
  LogDir* dir_ = nullptr;
  Controller* controller_ = nullptr;
  JournalKeeper journal_;
  Gate gate_;
  Turns turns_;
  Signal wake_;
  Timer timer_;
  SteadyTime progress_due_{};  ///< Not before: what it needs failed.
  SteadyTime release_due_{};
  std::uint64_t manifests_begun_ = 0;
  std::uint64_t newest_written_ = 0;  ///< Of those begun, the last that is on disk.
  bool stopping_ = false;
};

}  // namespace tidelog::broker
