#pragma once

#include "broker/env/env.h"

#include <memory>

namespace tidelog::broker {

/// The real world: threads, sockets, files, the kernel's clock and random numbers.
/// Life: `start` makes the shard threads run; `stop` ends them once their loops have nothing left to do, and joins.
class PosixEnv final : public Env {
 public:
  /// `shards` >= 1 loops; `blocking_threads` >= 1 is how many blocking jobs may run at the same time.
  PosixEnv(std::size_t shards, std::size_t blocking_threads);
  ~PosixEnv() override;

  storage::FileSystem& files() override;
  Network& network() override;
  BlockingPool& blocking() override;
  Random& random() override;
  std::span<const std::unique_ptr<Loop>> loops() override;
  std::unique_ptr<storage::KeyValuePlace> view_place(const std::string& directory) override;

  void start();
  void stop();
  /// Calls `handler` on loop 0 at the first SIGTERM or SIGINT; a second signal ends the process at once.
  void on_stop_signal(Job handler);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// Cores this process may use: the affinity mask and the cgroup's CPU quota, whichever is less; at least 1.
std::size_t usable_cores();

}  // namespace tidelog::broker
