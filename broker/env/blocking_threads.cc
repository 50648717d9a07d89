#include "broker/env/blocking_threads.h"

namespace tidelog::broker {

void BlockingThreads::run(Job job, Loop& back, Job done) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back({std::move(job), &back, std::move(done)});
    make_threads();
  }
  wake_.notify_one();
}

void BlockingThreads::run_first(Job job, Loop& back, Job done) {
  {
    const std::scoped_lock lock(mutex_);
    first_.push_back({std::move(job), &back, std::move(done)});
    make_threads();
  }
  // Either may take it; the other finds nothing and sleeps on.
  wake_.notify_one();
  wake_first_.notify_one();
}

void BlockingThreads::make_threads() {
  if (idle_ >= first_.size() + tasks_.size()) return;
  if (threads_.size() < limit_) {
    threads_.emplace_back([this] { work(); });
  } else if (!first_.empty() && !thread_for_first_.joinable()) {
    thread_for_first_ = std::thread([this] { work_on_first(); });
  }
}

void BlockingThreads::finish(std::deque<Task>& tasks, std::unique_lock<std::mutex>& lock) {
  Task task = std::move(tasks.front());
  tasks.pop_front();
  lock.unlock();
  task.job();
  task.back->post(std::move(task.done));
  lock.lock();
}

void BlockingThreads::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !first_.empty() || !tasks_.empty(); });
    --idle_;
    if (first_.empty() && tasks_.empty()) return;
    // Syncs may come without an end, and have a thread of their own: one of these stays with the others as long as there are any.
    if (!first_.empty() && (tasks_.empty() || on_tasks_ > 0)) {
      finish(first_, lock);
    } else {
      ++on_tasks_;
      finish(tasks_, lock);
      --on_tasks_;
    }
  }
}

void BlockingThreads::work_on_first() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_first_.wait(lock, [this] { return stopping_ || !first_.empty(); });
    if (first_.empty()) return;
    finish(first_, lock);
  }
}

void BlockingThreads::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  wake_first_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  if (thread_for_first_.joinable()) thread_for_first_.join();
  threads_.clear();
}

}  // namespace tidelog::broker
