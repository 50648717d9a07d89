#pragma once

#include "tests/sim/link.h"

#include <map>

namespace tidelog::sim {

/// A listening port. Kept by the network, so that a crash reaches who waits for a connection.
struct Port {
  broker::Endpoint at;
  SimLoop* loop;
  std::deque<std::shared_ptr<Link>> backlog;
  Waiter acceptor;
  bool is_closed = false;
};

/// The wire between simulated processes.
/// Life: outlives them all. Thread: one.
class SimNetwork final : public broker::Network {
 public:
  SimNetwork(World& world, Dice dice);

  Result<std::unique_ptr<broker::Listener>> listen(const broker::Endpoint& at, broker::Loop& loop) override;
  /// `Errc::refused`: nobody listens there. `loop` is the caller's, and a SimLoop.
  asio::awaitable<Result<std::unique_ptr<broker::Stream>>> connect(broker::Endpoint to, SimLoop& loop);

  /// Ends every connection and port of `process`, destroying the coroutines that wait on them.
  /// With `silently` (a machine without power) the other sides hear nothing for a while.
  void crash(ProcessId process, bool silently);
  /// Ends all faults: what is silent is reset, nothing strikes any more.
  void heal();
  /// Bytes written by a process that is about to be killed must not leave it: cuts its links at once.
  void cut_off(ProcessId process);

  NetworkFaults faults;
  [[nodiscard]] std::size_t open_links() const;

 private:
  void forget_finished();

  World& world_;
  Dice dice_;
  std::map<std::uint16_t, std::shared_ptr<Port>> ports_;
  std::vector<std::shared_ptr<Link>> links_;
  std::uint64_t connections_ = 0;
  std::uint16_t next_free_port_ = 20'000;
};

}  // namespace tidelog::sim
