#pragma once

#include "broker/config/broker_options.h"
#include "broker/env/env.h"
#include "broker/log_dir.h"
#include "broker/shard/log_disk.h"

#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace tidelog::broker {

/// One of a broker's log directories. Thread: `disk` any; the rest is the first shard's loop's, and the start's.
struct ServedDir {
  ServedDir(std::size_t at, std::string path) : index(at), disk(std::move(path)) {}

  [[nodiscard]] const std::string& path() const { return disk.path; }
  [[nodiscard]] bool is_online() const { return dir != nullptr && failure.empty(); }
  /// It is offline from here on.
  void fail(std::string why) {
    failure = std::move(why);
    disk.is_gone.store(true, std::memory_order_release);
  }

  const std::size_t index;
  LogDisk disk;
  bool is_metadata = false;      ///< The metadata log is here.
  bool takes_partitions = true;  ///< False for a `metadata.log.dir` that is not among `log.dirs`.
  std::unique_ptr<LogDir> dir;   ///< Null: it could not be opened.
  Uuid id;
  std::string failure;       ///< Why it is offline; empty: it is not. Never empty again.
  std::size_t unopened = 0;  ///< Logs that could not be opened at the start.
};

/// The log directories of a broker, in the order of `log.dirs`. Which of them are usable never grows while the broker runs: what failed is
/// offline until the next start (docs/decisions/0010-several-log-dirs.md).
/// Life: `open` once. Thread: the start, then the first shard's loop.
class LogDirs {
 public:
  LogDirs(Env& env, const BrokerOptions& options);

  /// Takes all of them. One whose disk does not let us is offline from then on, unless it is the metadata's. What nobody can mean is
  /// refused: directories of different clusters, a copy of one, a metadata log where it is not looked for. Blocks.
  Result<void, StartError> open();
  /// Gives those that were empty an id.
  void draw_ids();
  /// Writes `meta.properties` of those that were empty; one that does not take it is offline. Blocks.
  Result<void, StartError> claim(const std::string& cluster_id);

  [[nodiscard]] std::span<const std::unique_ptr<ServedDir>> all() const { return dirs_; }
  [[nodiscard]] ServedDir& at(std::size_t index) const { return *dirs_[index]; }
  [[nodiscard]] ServedDir& metadata() const { return *metadata_; }
  /// Then the metadata say which directory each partition is in.
  [[nodiscard]] bool are_several() const { return dirs_.size() > 1; }
  /// Without it the broker cannot go on. Any thread, once open.
  [[nodiscard]] bool is_vital(const ServedDir& dir) const;
  /// Those on the same file system, itself included, if a sync of that failed; else the directory alone.
  [[nodiscard]] std::vector<ServedDir*> failing_with(const ServedDir& dir) const;
  [[nodiscard]] bool has_offline() const;
  /// Those that may get new partitions, in order.
  [[nodiscard]] std::vector<ServedDir*> usable() const;
  /// Their ids; none if the broker has one directory and so nobody has to say which.
  [[nodiscard]] std::vector<Uuid> choice() const;
  [[nodiscard]] std::set<Uuid> online_ids() const;
  /// An online directory by its id; null: there is none.
  [[nodiscard]] ServedDir* find(const Uuid& id) const;

 private:
  Result<void, StartError> open_one(ServedDir& served);
  Result<void, StartError> check_identities() const;
  Result<void, StartError> check_metadata_log() const;
  void share_disks();
  void share_disk(const std::vector<ServedDir*>& together) const;

  Env& env_;
  const BrokerOptions& options_;
  std::vector<std::unique_ptr<ServedDir>> dirs_;
  ServedDir* metadata_ = nullptr;
};

}  // namespace tidelog::broker
