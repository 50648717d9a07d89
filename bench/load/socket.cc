#include "bench/load/socket.h"

#include "bench/common/die.h"
#include "proto/base/endian.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tidelog::bench {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kBufferBytes = std::size_t{1} << 18;
constexpr std::size_t kFrameLimit = std::size_t{256} << 20;
constexpr int kSilenceMs = 60'000;

}  // namespace

Socket::Socket(std::uint16_t port) : fd_(try_connect(port)), buffer_(kBufferBytes) {
  if (fd_ < 0) die_errno("connect to port " + std::to_string(port));
}

Socket::~Socket() { ::close(fd_); }

int Socket::try_connect(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die_errno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    const int code = errno;
    ::close(fd);
    errno = code;
    return -1;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

std::size_t Socket::send_some(Bytes first, Bytes second) {
  iovec pieces[2] = {{.iov_base = const_cast<std::byte*>(first.data()), .iov_len = first.size()},
                     {.iov_base = const_cast<std::byte*>(second.data()), .iov_len = second.size()}};
  msghdr message{};
  message.msg_iov = pieces;
  message.msg_iovlen = 2;
  const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno != EAGAIN) die_errno("send");
  return 0;
}

bool Socket::receive_some() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (begin_ > 0 && buffer_.size() - end_ < buffer_.size() / 2) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  const ssize_t got = ::recv(fd_, buffer_.data() + end_, buffer_.size() - end_, 0);
  if (got < 0 && errno == EAGAIN) return false;
  if (got < 0) die_errno("receive");
  if (got == 0) die("the broker closed the connection");
  end_ += static_cast<std::size_t>(got);
  return true;
}

Bytes Socket::next_frame() {
  if (end_ - begin_ < kLengthBytes) return {};
  const auto length = load_be<std::uint32_t>(buffer_.data() + begin_);
  if (length > kFrameLimit) die("an answer of " + std::to_string(length) + " bytes");
  if (end_ - begin_ < kLengthBytes + length) return {};
  const Bytes frame = Bytes(buffer_).subspan(begin_ + kLengthBytes, length);
  begin_ += kLengthBytes + length;
  return frame;
}

void Socket::wait(bool for_room_too) const {
  pollfd waited{.fd = fd_, .events = static_cast<short>(POLLIN | (for_room_too ? POLLOUT : 0)), .revents = 0};
  const int ready = ::poll(&waited, 1, kSilenceMs);
  if (ready == 0) die("no answer for a minute");
  if (ready < 0 && errno != EINTR) die_errno("poll");
}

Bytes Socket::call(Bytes request) {
  for (std::size_t sent = 0; sent < request.size();) {
    sent += send_some(request.subspan(sent), {});
    if (sent < request.size()) wait(true);
  }
  for (;;) {
    const Bytes frame = next_frame();
    if (!frame.empty()) return frame;
    if (!receive_some()) wait(false);
  }
}

}  // namespace tidelog::bench
