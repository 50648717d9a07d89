#pragma once

#include "broker/env/env.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace tidelog::broker {

/// A few threads, made when the first job needs them, and one more for what goes first when those are busy.
class BlockingThreads final : public BlockingPool {
 public:
  explicit BlockingThreads(std::size_t limit) : limit_(limit) {}
  ~BlockingThreads() override { stop(); }

  void run(Job job, Loop& back, Job done) override;
  void run_first(Job job, Loop& back, Job done) override;
  /// Finishes what was handed over, then ends the threads.
  void stop();

 private:
  struct Task {
    Job job;
    Loop* back;
    Job done;
  };
  void make_threads();
  void work();
  void work_on_first();
  static void finish(std::deque<Task>& tasks, std::unique_lock<std::mutex>& lock);

  const std::size_t limit_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable wake_first_;
  std::deque<Task> first_;
  std::deque<Task> tasks_;
  std::vector<std::thread> threads_;
  std::thread thread_for_first_;
  std::size_t idle_ = 0;      ///< Of `threads_`.
  std::size_t on_tasks_ = 0;  ///< Those that are at what does not go first.
  bool stopping_ = false;
};

}  // namespace tidelog::broker
