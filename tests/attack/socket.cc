#include "tests/attack/socket.h"

#include "proto/base/endian.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace tidelog::attack {
namespace {

sockaddr_in address(std::uint8_t third, std::uint8_t fourth, std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(127U << 24 | static_cast<std::uint32_t>(third) << 8 | fourth);
  return at;
}

int milliseconds_left(Clock::time_point until) {
  const auto left = std::chrono::ceil<Milliseconds>(until - Clock::now()).count();
  return static_cast<int>(std::max<std::int64_t>(left, 0));
}

}  // namespace

void wait_for_any(std::span<const Waiting> all, Clock::time_point until) {
  std::vector<pollfd> polled;
  for (const Waiting& one : all) {
    const int events = POLLRDHUP | (one.to_write ? POLLOUT : 0) | (one.to_read ? POLLIN : 0);
    polled.push_back({.fd = one.socket->descriptor(), .events = static_cast<short>(events), .revents = 0});
  }
  ::poll(polled.data(), polled.size(), milliseconds_left(until));
}

Socket::Socket(const Target& target, int receive_buffer_bytes)
    : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  if (descriptor_ < 0) return;
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(descriptor_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (receive_buffer_bytes > 0) ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  const sockaddr_in from = address(target.from.first, target.from.second, 0);
  const sockaddr_in to = address(0, 1, target.port);
  bool done = ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0;
  // On loopback a connection is made or refused at once; with a full backlog it comes about when there is room.
  done = done && (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 || errno == EINPROGRESS);
  if (done) return;
  ::close(descriptor_);
  descriptor_ = -1;
}

Socket::~Socket() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Socket::State Socket::send_some(std::string_view& data) {
  while (!data.empty()) {
    const ssize_t n = ::send(descriptor_, data.data(), data.size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINTR ? State::nothing : State::closed;
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  return State::good;
}

Socket::State Socket::receive_some(std::string& into, std::size_t most) {
  const std::size_t before = into.size();
  into.resize(before + most);
  const ssize_t n = ::recv(descriptor_, into.data() + before, most, 0);
  into.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n > 0) return State::good;
  return n < 0 && (errno == EAGAIN || errno == EINTR) ? State::nothing : State::closed;
}

bool Socket::wait(bool to_write, Clock::time_point until) const {
  pollfd one{.fd = descriptor_, .events = static_cast<short>(to_write ? POLLOUT : POLLIN), .revents = 0};
  return ::poll(&one, 1, milliseconds_left(until)) > 0;
}

bool Socket::is_hung_up() const {
  pollfd one{.fd = descriptor_, .events = POLLRDHUP, .revents = 0};
  return ::poll(&one, 1, 0) > 0;
}

bool Socket::send_all(std::string_view data, Clock::time_point until) {
  while (!data.empty()) {
    if (send_some(data) == State::closed) return false;
    if (!data.empty() && !wait(true, until)) return false;
  }
  return true;
}

namespace {

/// Moves the payload of the first frame of `received` into `into`; false if it is not whole.
bool take_frame(std::string& into, std::string& received) {
  constexpr std::size_t kLengthBytes = 4;
  if (received.size() < kLengthBytes) return false;
  const auto length = load_be<std::int32_t>(reinterpret_cast<const std::byte*>(received.data()));
  const auto whole = kLengthBytes + static_cast<std::size_t>(std::max(length, 0));
  if (received.size() < whole) return false;
  into = received.substr(kLengthBytes, whole - kLengthBytes);
  received.erase(0, whole);
  return true;
}

}  // namespace

Socket::State Socket::receive_frame(std::string& into, std::string& rest, Clock::time_point until) {
  for (;;) {
    if (take_frame(into, rest)) return State::good;
    const State state = receive_some(rest);
    if (state == State::closed) return State::closed;
    if (state == State::nothing && !wait(false, until)) return State::nothing;
  }
}

bool Socket::is_closed_before(Clock::time_point until) {
  std::string dropped;
  for (;;) {
    dropped.clear();
    const State state = receive_some(dropped, 1 << 20);
    if (state == State::closed) return true;
    if (state == State::nothing && !wait(false, until)) return false;
    if (Clock::now() >= until) return false;
  }
}

}  // namespace tidelog::attack
