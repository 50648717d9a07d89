#pragma once

#include "client/net/resolver.h"
#include "proto/base/result.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::cli {

/// One TCP connection with a deadline on every step. Closes in its destructor.
/// Errors: `Errc::refused`, `timed_out`, `closed` (the other side ended it), `io` (the rest).
class Dial {
 public:
  /// A failure comes with its errno.
  static Result<Dial, std::pair<Errc, int>> connect(const core::SocketAddress& address, std::chrono::milliseconds timeout);
  Dial(Dial&& other) noexcept : fd_(std::exchange(other.fd_, -1)), timeout_(other.timeout_) {}
  Dial& operator=(Dial&&) = delete;
  ~Dial();

  /// All of it, within the timeout.
  Result<void> send(Bytes bytes);
  /// At least a byte, by the deadline.
  Result<std::size_t> receive(MutableBytes room, core::TimePoint deadline);
  [[nodiscard]] core::TimePoint deadline() const { return core::Clock::now() + timeout_; }

 private:
  Dial(int fd, std::chrono::milliseconds timeout) : fd_(fd), timeout_(timeout) {}
  int fd_;
  std::chrono::milliseconds timeout_;
};

/// What a name stands for, or why that is not known in time.
core::Resolved look_up(const core::Address& address, std::chrono::milliseconds timeout);

/// `10.0.0.1:9092`, `[::1]:9092`
std::string text_of(const core::SocketAddress& address);
/// An address of this machine alone (127.0.0.0/8, ::1).
bool is_loopback(const core::SocketAddress& address);
/// 0.0.0.0 or ::, which a listener may have and nobody can dial.
bool is_any(const core::SocketAddress& address);

}  // namespace tidelog::cli
