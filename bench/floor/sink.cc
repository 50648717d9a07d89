#include "bench/floor/sink.h"

#include "bench/common/die.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

namespace tidelog::bench {
namespace {

constexpr std::uint64_t kFileBytes = std::uint64_t{1} << 30;  // Kafka's and Tidelog's default segment size

void signal_event(int event) {
  const std::uint64_t one = 1;
  if (::write(event, &one, sizeof one) != sizeof one) die_errno("eventfd write");
}

void await_event(int event) {
  std::uint64_t count = 0;
  if (::read(event, &count, sizeof count) != sizeof count) die_errno("eventfd read");
}

/// Drops the first `written` bytes from the pieces.
std::span<iovec> advance(std::span<iovec> pieces, std::size_t written) {
  while (!pieces.empty() && written >= pieces.front().iov_len) {
    written -= pieces.front().iov_len;
    pieces = pieces.subspan(1);
  }
  if (written > 0) {
    pieces.front().iov_base = static_cast<char*>(pieces.front().iov_base) + written;
    pieces.front().iov_len -= written;
  }
  return pieces;
}

}  // namespace

Sink::Sink(std::string folder, bool durable) : folder_(std::move(folder)), durable_(durable) {
  open_next();
  if (!durable_) return;
  start_event_ = ::eventfd(0, EFD_CLOEXEC);
  done_event_ = ::eventfd(0, EFD_CLOEXEC);
  if (start_event_ < 0 || done_event_ < 0) die_errno("eventfd");
  syncer_ = std::thread([this] { sync_loop(); });
}

Sink::~Sink() {
  if (durable_) {
    if (syncing_) end_sync();
    file_to_sync_ = -1;
    signal_event(start_event_);
    syncer_.join();
    ::close(start_event_);
    ::close(done_event_);
  }
  ::close(file_);
}

void Sink::open_next() {
  if (file_ >= 0) {
    if (syncing_) end_sync();  // the thread still uses the old file
    if (durable_ && ::fdatasync(file_) != 0) die_errno("fdatasync");
    ::close(file_);
  }
  const std::string path = folder_ + "/floor-" + std::to_string(file_number_++) + ".log";
  file_ = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
  if (file_ < 0) die_errno("open " + path);
  file_bytes_ = 0;
}

void Sink::write(std::vector<iovec>& pieces) {
  std::span<iovec> left = pieces;
  if (file_bytes_ >= kFileBytes) open_next();
  while (!left.empty()) {
    const auto count = static_cast<int>(std::min<std::size_t>(left.size(), IOV_MAX));
    const ssize_t written = ::pwritev(file_, left.data(), count, static_cast<off_t>(file_bytes_));
    if (written < 0) die_errno("pwritev");
    file_bytes_ += static_cast<std::uint64_t>(written);
    left = advance(left, static_cast<std::size_t>(written));
  }
  pieces.clear();
}

void Sink::begin_sync() {
  syncing_ = true;
  file_to_sync_ = file_;
  signal_event(start_event_);
}

void Sink::end_sync() {
  await_event(done_event_);
  syncing_ = false;
}

void Sink::sync_loop() {
  for (;;) {
    await_event(start_event_);
    const int file = file_to_sync_;
    if (file < 0) return;
    if (::fdatasync(file) != 0) die_errno("fdatasync");
    signal_event(done_event_);
  }
}

}  // namespace tidelog::bench
