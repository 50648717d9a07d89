#pragma once

#include "proto/base/result.h"
#include "proto/base/types.h"
#include "storage/disk/file_system.h"
#include "storage/key_value/key_value_store.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tidelog::broker {

namespace asio = boost::asio;

/// Time since an arbitrary start; never goes back, does not follow the wall clock.
using SteadyTime = std::chrono::nanoseconds;
using Job = std::move_only_function<void()>;

/// The event loop of one shard: its thread in production, an entry in the seeded queue in the simulator.
/// Thread: `post` from anywhere; everything else on the loop itself.
class Loop {
 public:
  Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  virtual ~Loop() = default;

  /// Where this shard's coroutines and handlers run.
  virtual asio::any_io_executor executor() = 0;
  /// Runs `job` on this loop, after all jobs posted before it by the same poster. Wakes the loop only if it sleeps.
  virtual void post(Job job) = 0;
  /// Runs `job` on this loop once everything that is ready now has run: where one pass's writes are gathered. Loop thread only.
  virtual void defer(Job job) = 0;
  virtual SteadyTime now() const = 0;
  /// Wall clock, milliseconds since 1970 UTC: for record timestamps and retention only, never for deadlines.
  virtual TimestampMs wall_clock() const = 0;
  /// Calls the alarm handler at `when`, once; a second call replaces the first. One alarm a loop: `broker/shard/timers.h` shares it.
  virtual void set_alarm(SteadyTime when) = 0;
  virtual void on_alarm(Job handler) = 0;
};

/// host is an address or a name as given; port 0 asks for any free one.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};

/// One byte stream, non-blocking: try, and wait for readiness when the answer is `Errc::would_block`.
/// Life: closed by `close` or the destructor, either of which ends pending waits. Thread: the loop it was opened on.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  /// At least one byte, or `would_block`; `closed` at the end of the stream or after a reset.
  virtual Result<std::size_t> read(MutableBytes into) = 0;
  /// Sends what fits now, gathered; `would_block` if nothing fits.
  virtual Result<std::size_t> write(std::span<const Bytes> parts) = 0;
  /// Sends file bytes without bringing them through this process where the system can. 0 only if the file ends at `position`.
  virtual Result<std::size_t> send_file(const storage::File& file, std::uint64_t position, std::size_t size_bytes) = 0;
  /// Returns when a read may succeed, or the stream was closed.
  virtual asio::awaitable<void> readable() = 0;
  virtual asio::awaitable<void> writable() = 0;
  virtual void close() = 0;
  /// Bytes that were sent and that the peer's system has not confirmed: the peer did not read so far.
  virtual std::size_t unconfirmed_bytes() const { return 0; }
  virtual Endpoint local() const = 0;
  virtual Endpoint peer() const = 0;
};

/// A connection that was accepted and waits for the loop that will own it.
class Accepted {
 public:
  Accepted() = default;
  Accepted(const Accepted&) = delete;
  Accepted& operator=(const Accepted&) = delete;
  virtual ~Accepted() = default;
  virtual Endpoint peer() const = 0;
  /// Call on `loop`'s own thread, once.
  virtual std::unique_ptr<Stream> open(Loop& loop) = 0;
};

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;
  /// The next connection. `Errc::closed` after `close`; `Errc::refused` when descriptors ran out: wait a little, then call again.
  virtual asio::awaitable<Result<std::unique_ptr<Accepted>>> accept() = 0;
  virtual Endpoint local() const = 0;
  virtual void close() = 0;
};

class Network {
 public:
  Network() = default;
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;
  virtual ~Network() = default;
  /// Listens; connections can be made once this returns. `Errc::exists`: the port is taken.
  virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& at, Loop& loop) = 0;
};

/// Threads for what blocks: syncs, checkpoints, directory work.
class BlockingPool {
 public:
  BlockingPool() = default;
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  virtual ~BlockingPool() = default;
  /// Runs `job` off-loop, then `done` on `back`. Jobs handed over one after the other may overlap.
  virtual void run(Job job, Loop& back, Job done) = 0;
  /// The same for syncs, which every acknowledgement waits for: they go before all others, however many those are and however long each
  /// takes.
  virtual void run_first(Job job, Loop& back, Job done) { run(std::move(job), back, std::move(done)); }
};

class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;
  virtual void fill(MutableBytes into) = 0;
};

/// The world as the broker sees it. Production and the simulator differ here and nowhere else.
class Env {
 public:
  Env() = default;
  Env(const Env&) = delete;
  Env& operator=(const Env&) = delete;
  virtual ~Env() = default;

  virtual storage::FileSystem& files() = 0;
  virtual Network& network() = 0;
  virtual BlockingPool& blocking() = 0;
  virtual Random& random() = 0;
  /// One loop per shard; made before the broker starts, alive until after it stopped.
  virtual std::span<const std::unique_ptr<Loop>> loops() = 0;
  /// Where a view of a log may be kept in that directory, beside the log's files; null: nowhere. Touches nothing.
  virtual std::unique_ptr<storage::KeyValuePlace> view_place(const std::string& /*directory*/) { return nullptr; }
};

}  // namespace tidelog::broker
