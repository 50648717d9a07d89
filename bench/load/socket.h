#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <vector>

namespace tidelog::bench {

/// A non-blocking loopback connection to a broker. Any failure ends the program: a figure from a broken connection is none.
/// Thread: one.
class Socket {
 public:
  explicit Socket(std::uint16_t port);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Tries once, without waiting for a server to come up; -1 when it is refused.
  static int try_connect(std::uint16_t port);

  /// Sends what the kernel takes now; the number of bytes taken.
  std::size_t send_some(Bytes first, Bytes second);
  /// Reads once what is there (up to what the buffer has room for); false when nothing was.
  bool receive_some();
  /// The next whole frame without its length, or nothing. Valid until the next `receive_some`.
  Bytes next_frame();
  /// Sleeps until there is something to read (or, when asked, room to write). Dies after a minute of silence.
  void wait(bool for_room_too) const;

  [[nodiscard]] int fd() const { return fd_; }

  /// One request and its answer, blocking: the control plane.
  Bytes call(Bytes request);

 private:
  int fd_;
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace tidelog::bench
