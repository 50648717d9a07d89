#include "cli/doctor/dial.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <future>

namespace tidelog::cli {
namespace {

/// Until the socket is ready or the deadline has passed; false then.
bool wait_for(int fd, short events, core::TimePoint deadline) {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - core::Clock::now()).count();
    if (left <= 0) return false;
    pollfd one{.fd = fd, .events = events, .revents = 0};
    const int ready = ::poll(&one, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return true;  // The call that follows says what is wrong.
  }
}

Errc errc_of(int number) {
  switch (number) {
    case ECONNREFUSED: return Errc::refused;
    case ETIMEDOUT: return Errc::timed_out;
    case ECONNRESET:
    case EPIPE: return Errc::closed;
    default: return Errc::io;
  }
}

}  // namespace

Dial::~Dial() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Dial, std::pair<Errc, int>> Dial::connect(const core::SocketAddress& address, std::chrono::milliseconds timeout) {
  using Failure = std::pair<Errc, int>;
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Failure(Errc::io, errno);
  Dial dial(fd, timeout);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) == 0) return dial;
  if (errno != EINPROGRESS) return Failure(errc_of(errno), errno);
  if (!wait_for(fd, POLLOUT, dial.deadline())) return Failure(Errc::timed_out, ETIMEDOUT);
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return Failure(errc_of(failed), failed);
  return dial;
}

Result<void> Dial::send(Bytes bytes) {
  const core::TimePoint until = deadline();
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0)
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
    else if (errno != EAGAIN && errno != EINTR)
      return errc_of(errno);
    else if (!wait_for(fd_, POLLOUT, until))
      return Errc::timed_out;
  }
  return {};
}

Result<std::size_t> Dial::receive(MutableBytes room, core::TimePoint deadline) {
  while (true) {
    const ssize_t count = ::recv(fd_, room.data(), room.size(), 0);
    if (count > 0) return static_cast<std::size_t>(count);
    if (count == 0) return Errc::closed;
    if (errno != EAGAIN && errno != EINTR) return errc_of(errno);
    if (!wait_for(fd_, POLLIN, deadline)) return Errc::timed_out;
  }
}

core::Resolved look_up(const core::Address& address, std::chrono::milliseconds timeout) {
  // The system's resolver cannot be interrupted, so one that takes too long is left behind with what it needs.
  const auto inbox = std::make_shared<core::Inbox>();
  const auto answer = std::make_shared<std::promise<core::Resolved>>();
  std::future<core::Resolved> resolved = answer->get_future();
  core::resolve(address, inbox, [answer](core::Resolved found) { answer->set_value(std::move(found)); });
  const core::TimePoint until = core::Clock::now() + timeout;
  while (resolved.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    if (!wait_for(inbox->wake_fd(), POLLIN, until)) {
      core::Resolved late;
      late.failure = "the name service does not answer in time";
      return late;
    }
    inbox->run_all();
  }
  return resolved.get();
}

std::string text_of(const core::SocketAddress& address) {
  char host[NI_MAXHOST] = "";
  char port[NI_MAXSERV] = "";
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  ::getnameinfo(raw, address.size, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  const std::string text = host;
  return (address.storage.ss_family == AF_INET6 ? "[" + text + "]" : text) + ":" + port;
}

bool is_loopback(const core::SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return ntohl(v4->sin_addr.s_addr) >> 24 == 127;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
  const bool is_mapped = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) && v6->sin6_addr.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) || is_mapped;
}

bool is_any(const core::SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) return reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_addr.s_addr == INADDR_ANY;
  return IN6_IS_ADDR_UNSPECIFIED(&reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_addr);
}

}  // namespace tidelog::cli
