#pragma once

#include "broker/journal_keeper.h"
#include "broker/log_dirs.h"
#include "broker/partition/services.h"
#include "broker/quorum/controller.h"
#include "broker/shard/gate.h"
#include "broker/shard/turns.h"

#include <functional>
#include <memory>
#include <span>

namespace tidelog::broker {

/// Writes the manifest of one log directory: now and then, so that a restart has little to read, and when a log start has to survive a
/// crash. Also the chores of retention there. Nothing is written any more once the directory is offline. Thread: the first shard's loop.
class Checkpointer {
 public:
  Checkpointer(Env& env, const BrokerOptions& options, ServedDir& served, std::span<const std::unique_ptr<ShardServices>> shards);

  /// `failed` hears of a manifest that could not be written because the disk is ill or gone. Set before anything is written.
  void on_failure(std::function<void(const std::string& what)> failed) { on_failure_ = std::move(failed); }
  /// Starts the chores.
  void start(Controller& controller);
  /// No more chores; returns when the one under way has ended.
  asio::awaitable<void> stop();
  /// Syncs every log there and writes a manifest. `clean`: nothing is appended after this. False if the manifest could not be written.
  asio::awaitable<bool> checkpoint(Controller& controller, bool clean);
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
  /// `look` at each partition of the directory, on its owner's loop, one shard after the other.
  template <class Look>
  asio::awaitable<void> for_each_partition(Look look);
  template <class Visit>
  asio::awaitable<void> visit_all_in_turns(Visit visit);
  void add_unopened(storage::Manifest& manifest, const Image& image) const;
  /// A log start above what is synced would have recovery begin behind records that only the journal has.
  asio::awaitable<void> sync_below_log_starts();
  asio::awaitable<void> open_journal();
  asio::awaitable<void> do_chores(Due& due);
  /// A manifest once a restart would read much of what was synced since the last one.
  asio::awaitable<void> note_progress();
  /// Needs its turn.
  asio::awaitable<bool> write_manifest(Controller& controller, bool clean, Reserve::Use use);
  Result<void> store(storage::Manifest& manifest, Reserve::Use use);
  /// What a full disk refused is tried again.
  asio::awaitable<void> heal();
  asio::awaitable<void> enforce_retention();
  [[nodiscard]] Loop& home() const { return shards_.front()->shard.loop(); }
  [[nodiscard]] LogDir& dir() const { return *served_.dir; }

  Env& env_;
  const BrokerOptions& options_;
  ServedDir& served_;
  std::span<const std::unique_ptr<ShardServices>> shards_;
  std::function<void(const std::string&)> on_failure_;
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
