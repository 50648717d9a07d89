#pragma once

#include "broker/config/broker_options.h"
#include "broker/env/env.h"
#include "broker/log_dir.h"
#include "broker/shard/shared_journal.h"

#include <memory>
#include <optional>

namespace tidelog::broker {

/// When the journal of a log directory is made, and what of it the manifest has to name.
/// Thread: the first shard's loop.
class JournalKeeper {
 public:
  JournalKeeper(Env& env, const BrokerOptions& options, SharedJournal& journal) : env_(env), options_(options), journal_(journal) {}

  /// Makes the files if rounds would have been better off with a journal and the disk has the room: `prepared` is what the manifest names
  /// from then on, and once that is on disk `use` lets rounds into it. False: not now.
  asio::awaitable<bool> prepare(LogDir& dir, Loop& home);
  void use();
  /// Who needed a journal before will need it again.
  asio::awaitable<void> look_for_one(const LogDir& dir, Loop& home);
  /// The manifest that was to name it could not be written.
  void give_up() { prepared_.reset(); }

  /// For the manifest: rounds before this one are in synced files.
  [[nodiscard]] const std::optional<storage::JournalPosition>& replay_from() const { return replay_from_; }
  /// Notes where a checkpoint begins, before it syncs.
  [[nodiscard]] std::optional<storage::JournalPosition> next() const { return journal_.next(); }
  /// All rounds before `from` are in synced files: the next manifest says so.
  void advance(const std::optional<storage::JournalPosition>& from);
  /// That manifest is on disk.
  void release();
  [[nodiscard]] bool wants_checkpoint() const { return journal_.is_half_full(); }

 private:
  [[nodiscard]] storage::JournalShape shape_for(const storage::DiskSpace& space) const;

  Env& env_;
  const BrokerOptions& options_;
  SharedJournal& journal_;
  std::unique_ptr<storage::Journal> prepared_;
  std::optional<storage::JournalPosition> replay_from_;
  bool was_refused_ = false;  ///< Told once.
};

}  // namespace tidelog::broker
