#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace tidelog::attack {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

/// A broker on this machine, and the address of ours that a connection comes from (127.0.`from.first`.`from.second`), so that limits of one
/// address can be met or avoided.
struct Target {
  std::uint16_t port = 0;
  std::pair<std::uint8_t, std::uint8_t> from{0, 1};
};

/// A non-blocking connection.
class Socket {
 public:
  Socket() = default;
  /// Connects; not open if the broker or the kernel refuses.
  explicit Socket(const Target& target, int receive_buffer_bytes = 0);
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Socket();

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

  enum class State : std::uint8_t { good, nothing, closed };
  /// Sends what fits and drops it from `data`.
  State send_some(std::string_view& data);
  /// Appends what is there, at most `most` bytes.
  State receive_some(std::string& into, std::size_t most = 65536);
  /// Sends all of it; false if the peer closed or time is over.
  bool send_all(std::string_view data, Clock::time_point until);
  /// The next whole frame's payload in `into`: `nothing` if it did not come in time. `rest` keeps what came behind it.
  State receive_frame(std::string& into, std::string& rest, Clock::time_point until);
  /// Reads and drops; true once the peer has closed.
  bool is_closed_before(Clock::time_point until);
  /// True once the peer's end has come, however much is unread before it.
  [[nodiscard]] bool is_hung_up() const;
  /// Waits until it can be read (or written) or time is over.
  bool wait(bool to_write, Clock::time_point until) const;

 private:
  int descriptor_ = -1;
};

/// One of many sockets, and what is waited for: to write, to read, or neither, which is its end alone.
struct Waiting {
  const Socket* socket = nullptr;
  bool to_write = false;
  bool to_read = false;
};

/// Waits until one of them can do what it wants to, the peer of one has ended, or time is over. Those whose end is known do not belong
/// here.
void wait_for_any(std::span<const Waiting> all, Clock::time_point until);

}  // namespace tidelog::attack
