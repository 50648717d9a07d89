#include "broker/env/posix_env.h"

#include "broker/env/blocking_threads.h"
#include "broker/env/posix_loop.h"
#include "broker/env/posix_network.h"
#include "proto/base/check.h"
#include "storage/disk/posix.h"
#include "storage/key_value/rocksdb_store.h"

#include <boost/asio/signal_set.hpp>
#include <malloc.h>
#include <sched.h>
#include <sys/random.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace tidelog::broker {
namespace {

/// The C library raises its own thresholds with each large block that is freed, up to tens of megabytes that no longer go back to the
/// system: after a crowd with large requests a process would stay, and in holes grow, far beyond what it counts. Fixed, they stay where
/// they are. Blocks of ordinary requests and batches are smaller than the first and are used again without the system.
void fix_allocator_thresholds() {
  constexpr int kOwnMappingBytes = 2 * 1024 * 1024;
  constexpr int kKeptFreeBytes = 8 * 1024 * 1024;
  ::mallopt(M_MMAP_THRESHOLD, kOwnMappingBytes);
  ::mallopt(M_TRIM_THRESHOLD, kKeptFreeBytes);
}

class KernelRandom final : public Random {
 public:
  void fill(MutableBytes into) override {
    while (!into.empty()) {
      const ssize_t n = ::getrandom(into.data(), into.size(), 0);
      if (n > 0) into = into.subspan(static_cast<std::size_t>(n));
    }
  }
};

/// Cores granted by a cgroup quota ("max 100000" or "250000 100000"), or `otherwise`.
std::size_t quota_cores(std::size_t otherwise) {
  std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "re");
  if (file == nullptr) return otherwise;
  long long quota = 0;
  long long period = 0;
  const int fields = std::fscanf(file, "%lld %lld", &quota, &period);
  std::fclose(file);
  if (fields != 2 || quota <= 0 || period <= 0) return otherwise;
  return static_cast<std::size_t>(std::max(1LL, quota / period));
}

}  // namespace

std::size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  const std::size_t affine = ::sched_getaffinity(0, sizeof set, &set) == 0 ? static_cast<std::size_t>(CPU_COUNT(&set)) : 1;
  return std::max<std::size_t>(1, std::min(affine, quota_cores(affine)));
}

struct PosixEnv::Parts {
  explicit Parts(std::size_t blocking_threads) : blocking(blocking_threads) {}

  storage::PosixFileSystem files;
  PosixNetwork network;
  KernelRandom random;
  std::vector<std::unique_ptr<Loop>> loops;
  BlockingThreads blocking;
  std::unique_ptr<asio::signal_set> signals;
  std::vector<std::thread> threads;
};

PosixEnv::PosixEnv(std::size_t shards, std::size_t blocking_threads) : parts_(std::make_unique<Parts>(blocking_threads)) {
  CHECK(shards >= 1 && blocking_threads >= 1);
  for (std::size_t i = 0; i < shards; ++i) parts_->loops.push_back(std::make_unique<PosixLoop>());
}

PosixEnv::~PosixEnv() { stop(); }

storage::FileSystem& PosixEnv::files() { return parts_->files; }
Network& PosixEnv::network() { return parts_->network; }
BlockingPool& PosixEnv::blocking() { return parts_->blocking; }
Random& PosixEnv::random() { return parts_->random; }
std::span<const std::unique_ptr<Loop>> PosixEnv::loops() { return parts_->loops; }

std::unique_ptr<storage::KeyValuePlace> PosixEnv::view_place(const std::string& directory) {
  return std::make_unique<storage::RocksdbPlace>(parts_->files, directory);
}

void PosixEnv::start() {
  fix_allocator_thresholds();
  for (const auto& loop : parts_->loops) {
    parts_->threads.emplace_back([raw = static_cast<PosixLoop*>(loop.get())] { raw->run(); });
  }
}

void PosixEnv::stop() {
  parts_->blocking.stop();
  for (const auto& loop : parts_->loops) {
    loop->post([this, raw = static_cast<PosixLoop*>(loop.get())] {
      if (raw == parts_->loops.front().get()) parts_->signals.reset();
      raw->finish();
      raw->context().stop();
    });
  }
  for (std::thread& thread : parts_->threads) thread.join();
  parts_->threads.clear();
}

void PosixEnv::on_stop_signal(Job handler) {
  asio::io_context& context = static_cast<PosixLoop&>(*parts_->loops.front()).context();
  parts_->signals = std::make_unique<asio::signal_set>(context, SIGTERM, SIGINT);
  parts_->signals->async_wait([this, first = std::move(handler)](const boost::system::error_code& error, int) mutable {
    if (error) return;
    parts_->signals->async_wait([](const boost::system::error_code& again, int) {
      if (!again) std::_Exit(EXIT_FAILURE);  // Asked twice: whoever waits does not want to wait for a clean stop.
    });
    first();
  });
}

}  // namespace tidelog::broker
