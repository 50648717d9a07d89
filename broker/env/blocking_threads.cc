#include "broker/env/blocking_threads.h"

namespace tidelog::broker {

void BlockingThreads::run(Job job, Loop& back, Job done) {
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back({std::move(job), &back, std::move(done)});
    if (idle_ < tasks_.size() && threads_.size() < limit_) threads_.emplace_back([this] { work(); });
  }
  wake_.notify_one();
}

void BlockingThreads::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    --idle_;
    if (tasks_.empty()) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task.job();
    task.back->post(std::move(task.done));
    lock.lock();
  }
}

void BlockingThreads::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace tidelog::broker
