#include "client/net/io_loop.h"

#include "proto/base/check.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <future>

namespace tidelog::core {
namespace {

constexpr std::uint64_t kWakeToken = 0;

epoll_event wish_for(std::uint32_t events, std::uint64_t token) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  return event;
}

void tell_epoll(int epoll_fd, int operation, int fd, epoll_event event) { CHECK(::epoll_ctl(epoll_fd, operation, fd, &event) == 0); }

}  // namespace

Inbox::Inbox() : wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { CHECK(wake_fd_ >= 0); }

Inbox::~Inbox() { ::close(wake_fd_); }

void Inbox::post(Task task) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return;
    was_empty = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  // One wake-up is enough for all tasks that the loop has not taken yet.
  if (was_empty) (void)!::eventfd_write(wake_fd_, 1);
}

void Inbox::run_all() {
  eventfd_t ignored = 0;
  (void)!::eventfd_read(wake_fd_, &ignored);
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) task();
}

void Inbox::close() {
  std::vector<Task> dropped;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    dropped.swap(tasks_);
  }
}

IoLoop::IoLoop() : epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)), inbox_(std::make_shared<Inbox>()) {
  CHECK(epoll_fd_ >= 0);
  tell_epoll(epoll_fd_, EPOLL_CTL_ADD, inbox_->wake_fd(), wish_for(EPOLLIN, kWakeToken));
  // Signals belong to the program's own threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

IoLoop::~IoLoop() {
  stop();
  ::close(epoll_fd_);
}

void IoLoop::stop() {
  if (!thread_.joinable()) return;
  CHECK(!on_loop());
  is_stopping_ = true;
  post([] {});
  thread_.join();
}

void IoLoop::run_and_wait(Task task) {
  if (on_loop()) return task();
  std::promise<void> done;
  std::future<void> is_done = done.get_future();
  // A loop that stops meanwhile drops the task, and the broken promise ends the wait.
  post([task = std::move(task), done = std::move(done)]() mutable {
    task();
    done.set_value();
  });
  is_done.wait();
}

void IoLoop::watch(int fd, std::uint32_t events, Ready ready) {
  const std::uint64_t token = next_id_++;
  watched_[fd] = {.token = token, .ready = std::make_shared<Ready>(std::move(ready))};
  fd_of_[token] = fd;
  tell_epoll(epoll_fd_, EPOLL_CTL_ADD, fd, wish_for(events, token));
}

void IoLoop::change(int fd, std::uint32_t events) { tell_epoll(epoll_fd_, EPOLL_CTL_MOD, fd, wish_for(events, watched_.at(fd).token)); }

void IoLoop::unwatch(int fd) {
  const auto found = watched_.find(fd);
  if (found == watched_.end()) return;
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  fd_of_.erase(found->second.token);
  watched_.erase(found);
}

IoLoop::TimerId IoLoop::call_at(TimePoint when, Task task) {
  const TimerId id = next_id_++;
  timers_.emplace(when, std::pair(id, std::move(task)));
  timer_due_[id] = when;
  return id;
}

void IoLoop::cancel(TimerId id) {
  const auto due = timer_due_.find(id);
  if (due == timer_due_.end()) return;
  const auto [first, last] = timers_.equal_range(due->second);
  timers_.erase(std::find_if(first, last, [id](const auto& timer) { return timer.second.first == id; }));
  timer_due_.erase(due);
}

int IoLoop::wait_ms() const {
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

/// One that is made meanwhile has its turn after whatever else is ready, or one that arms itself for a time in the past would be all that
/// ever runs.
void IoLoop::run_timers() {
  const TimePoint now = Clock::now();
  const TimerId first_new = next_id_;
  while (!timers_.empty() && timers_.begin()->first <= now && timers_.begin()->second.first < first_new) {
    auto [id, task] = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    timer_due_.erase(id);
    task();
  }
}

void IoLoop::dispatch(std::uint64_t token, std::uint32_t events) {
  if (token == kWakeToken) return inbox_->run_all();
  const auto fd = fd_of_.find(token);
  if (fd == fd_of_.end()) return;
  const std::shared_ptr<Ready> ready = watched_.at(fd->second).ready;  // The call may unwatch it.
  (*ready)(events);
}

void IoLoop::run() {
  std::array<epoll_event, 64> events;
  while (!is_stopping_) {
    const int count = ::epoll_wait(epoll_fd_, events.data(), events.size(), wait_ms());
    for (int i = 0; i < count && !is_stopping_; ++i) {
      const epoll_event event = events[static_cast<std::size_t>(i)];
      dispatch(event.data.u64, event.events);
    }
    run_timers();
  }
  inbox_->close();
}

}  // namespace tidelog::core
