#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

namespace tidelog::core {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Task = std::move_only_function<void()>;

/// Tasks from other threads for a loop. Outlives the loop in the hands of threads that may be late; their tasks are then dropped.
/// Thread: any.
class Inbox {
 public:
  Inbox();
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  void post(Task task);
  /// Runs what is there. Loop only.
  void run_all();
  /// Drops what is there and whatever comes. Loop only.
  void close();
  [[nodiscard]] int wake_fd() const { return wake_fd_; }

 private:
  int wake_fd_;
  std::mutex mutex_;
  std::vector<Task> tasks_;
  bool is_closed_ = false;
};

/// The client's one I/O thread: tasks, timers and sockets.
/// Life: starts when made, is stopped and joined by `stop`, at the latest in the destructor.
/// Thread: `post`, `run_and_wait` and `on_loop` from any, the rest on the loop.
class IoLoop {
 public:
  using TimerId = std::uint64_t;
  using Ready = std::function<void(std::uint32_t events)>;

  IoLoop();
  ~IoLoop();
  IoLoop(const IoLoop&) = delete;
  IoLoop& operator=(const IoLoop&) = delete;

  void post(Task task) { inbox_->post(std::move(task)); }
  /// Runs `task` on the loop and returns when it has run; at once if this is the loop.
  void run_and_wait(Task task);
  [[nodiscard]] bool on_loop() const { return std::this_thread::get_id() == thread_.get_id(); }
  [[nodiscard]] const std::shared_ptr<Inbox>& inbox() const { return inbox_; }

  /// Ends the thread; tasks not run are dropped. Not on the loop.
  void stop();

  void watch(int fd, std::uint32_t events, Ready ready);
  void change(int fd, std::uint32_t events);
  void unwatch(int fd);

  TimerId call_at(TimePoint when, Task task);
  /// No harm if it has run already.
  void cancel(TimerId id);

 private:
  struct Watched {
    std::uint64_t token;
    std::shared_ptr<Ready> ready;
  };

  void run();
  [[nodiscard]] int wait_ms() const;
  void run_timers();
  void dispatch(std::uint64_t token, std::uint32_t events);

  int epoll_fd_;
  std::shared_ptr<Inbox> inbox_;
  std::atomic<bool> is_stopping_ = false;
  std::unordered_map<int, Watched> watched_;
  std::unordered_map<std::uint64_t, int> fd_of_;  ///< By token: an event of a socket closed in the same pass finds nothing.
  std::multimap<TimePoint, std::pair<TimerId, Task>> timers_;
  std::unordered_map<TimerId, TimePoint> timer_due_;
  std::uint64_t next_id_ = 1;
  std::thread thread_;
};

}  // namespace tidelog::core
