#pragma once

#include "tests/sim/waiter.h"

namespace tidelog::sim {

/// What a network does to its connections.
struct NetworkFaults {
  std::uint64_t least_latency_ns = 20'000, most_latency_ns = 300'000;
  std::uint64_t socket_buffer_bytes = 64 * 1024;  ///< Unread bytes one direction holds, in flight included.
  bool splits_reads = true;
  std::uint64_t spurious_wake_per_mille = 20;
  std::uint64_t resets = 0, reset_per_mille = 0;  ///< Per write.
  std::uint64_t stalls = 0, stall_per_mille = 0;  ///< Per write: the connection goes silent, and is reset when the stall ends.
  SteadyTime longest_stall = std::chrono::seconds(3);
};

/// One direction of a connection.
struct Pipe {
  std::deque<std::byte> bytes;  ///< Written and not read; the first `arrived` of them can be read.
  std::size_t arrived = 0;
  SteadyTime last_arrival{};  ///< Later bytes never overtake.
  bool will_end = false;      ///< The writer closed.
  bool has_ended = false;     ///< ... and the reader has come to know.
  Waiter reader, writer;
};

/// One connection, both ends of it. Side 0 connected, side 1 accepted.
/// Life: owned by the network, so that a crash reaches every coroutine that waits here; streams share it.
class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(World& world, NetworkFaults& faults, Dice dice, std::array<broker::Endpoint, 2> ends);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  Result<std::size_t> read(int side, MutableBytes into);
  Result<std::size_t> write(int side, std::span<const Bytes> parts);
  /// Bytes `write` would take now; 0 also if it would fail.
  [[nodiscard]] std::size_t room(int side) const;
  asio::awaitable<void> readable(int side);
  asio::awaitable<void> writable(int side);

  void attach(int side, SimLoop& loop) { loops_[side] = &loop; }
  /// This side closes; the other reads what was sent, then the end.
  void close(int side);
  /// Both sides are cut off, and what was on its way is lost.
  void reset();
  /// From now on nothing arrives on either side; a reset ends it after `duration`.
  void stall(SteadyTime duration);
  /// The process at `side` is gone, and its coroutines with it. With `silently` the other side hears nothing for a while.
  void crash(int side, bool silently);

  [[nodiscard]] const broker::Endpoint& end(int side) const { return ends_[side]; }
  [[nodiscard]] bool belongs_to(int side, ProcessId process) const { return loops_[side] != nullptr && loops_[side]->process() == process; }
  [[nodiscard]] bool is_over() const { return is_reset_ || (closed_[0] && closed_[1]); }
  SteadyTime latency();

 private:
  Pipe& into(int side) { return pipes_[side]; }        ///< What `side` reads.
  Pipe& out_of(int side) { return pipes_[1 - side]; }  ///< What `side` writes.
  void deliver(int side, SteadyTime at, Job job);
  [[nodiscard]] bool can_write(int side) const { return !closed_[side] && !is_reset_ && !is_left_[side]; }
  void arrive(Pipe& pipe, std::size_t size);
  void strike();
  void wake_all();

  World& world_;
  NetworkFaults& faults_;
  Dice dice_;
  std::array<broker::Endpoint, 2> ends_;
  std::array<SimLoop*, 2> loops_{};
  std::array<Pipe, 2> pipes_;
  std::array<bool, 2> closed_{};
  std::array<bool, 2> is_left_{};  ///< By side: the other one closed, and this side has come to know. It can write no more.
  bool is_reset_ = false;
  bool is_stalled_ = false;
};

}  // namespace tidelog::sim
