#pragma once

#include "broker/checkpointer.h"
#include "broker/coordinators/group_coordinators.h"
#include "broker/handlers/dispatcher.h"
#include "broker/net/server.h"
#include "broker/replicas.h"
#include "broker/upkeep/log_cleaner.h"
#include "broker/upkeep/scrubber.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace tidelog::broker {

/// One broker on one world. The production binary and the simulator run this same class.
/// Life: `start` once, `stop` once, both on the first loop. Destroying it without `stop` is a crash: nobody is answered, nothing is
/// written. Thread: made before the loops run, or on the first loop.
class Broker {
 public:
  /// Called once when the disk failed that the broker cannot do without and nothing may be acknowledged any more: the process has to end.
  using OnFatal = std::move_only_function<void(std::string reason)>;

  Broker(Env& env, BrokerOptions options, OnFatal on_fatal);
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;
  ~Broker();

  /// Recovers the logs, then listens: the port accepts when this returns well.
  asio::awaitable<Result<void, StartError>> start();
  /// Answers what is under way, makes everything durable, marks the stop as clean.
  asio::awaitable<void> stop();

  /// Where it listens, with the real ports. Valid after `start`.
  [[nodiscard]] std::vector<Endpoint> listens() const { return server_->local(); }
  [[nodiscard]] const storage::RecoveryReport& recovery() const { return report_; }

 private:
  asio::awaitable<Result<void, StartError>> recover();
  void equip(ServedDir& served);
  void on_disk_failure(std::size_t dir, DiskFailure kind, const std::string& what);
  void end_after_sync_failure(const ServedDir& dir, const std::string& failure);
  void take_offline(std::size_t dir, const std::string& why);
  asio::awaitable<void> withdraw(std::size_t dir);
  asio::awaitable<Result<void, StartError>> commit_assignments();
  asio::awaitable<Result<void, StartError>> write_first_manifests();
  Result<std::unique_ptr<storage::Log>, StartError> open_metadata_log();
  static void warn_of_lost_manifest(const LogDir& dir);
  Result<void, StartError> open_dirs();
  asio::awaitable<Result<void, StartError>> introduce_self();
  Result<void, StartError> listen();
  /// What an address may open a second by its quota. Thread: the first shard's loop.
  [[nodiscard]] std::optional<double> connection_rate(std::string_view ip) const;
  Result<std::unique_ptr<Listener>, StartError> open(const ListenerAddress& address);
  asio::awaitable<void> start_groups();
  asio::awaitable<void> stop_groups();
  void forget_offsets(const TopicImage& gone);
  void report_recovery();
  asio::awaitable<void> report_limits();

  Env& env_;
  const BrokerOptions options_;
  OnFatal on_fatal_;
  LogDirs dirs_;
  std::vector<std::unique_ptr<ShardServices>> shards_;
  Replicas replicas_;
  std::unique_ptr<Controller> controller_;
  std::vector<std::unique_ptr<Checkpointer>> checkpointers_;  ///< One a log directory.
  Gate withdrawing_;
  std::vector<std::unique_ptr<GroupCoordinators>> groups_;  ///< One a shard, on its loop.
  LogCleaner cleaner_;
  Scrubber scrubber_;
  std::unique_ptr<Node> node_;
  std::vector<std::unique_ptr<Dispatcher>> dispatchers_;
  std::vector<std::unique_ptr<ConnectionSet>> connections_;
  std::unique_ptr<Server> server_;
  storage::RecoveryReport report_;
  bool was_unclean_ = false;
};

}  // namespace tidelog::broker
