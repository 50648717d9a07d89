#include "bench/floor/server.h"

#include "bench/common/checksum.h"
#include "bench/common/die.h"
#include "proto/base/endian.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace tidelog::bench {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kApiKeyAt = 0;
constexpr std::size_t kCorrelationAt = 4;
constexpr std::int16_t kFetchKey = 1;
constexpr std::size_t kFrameLimit = std::size_t{64} << 20;
constexpr std::size_t kReadBytes = std::size_t{512} << 10;  // larger reads fall out of the second-level cache, smaller ones cost more calls

}  // namespace

FloorServer::FloorServer(const FloorOptions& options) : options_(options), sink_(options.folder, options.durable) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) die_errno("epoll_create1");
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  signals_ = ::signalfd(-1, &stop, SFD_CLOEXEC);
  if (signals_ < 0) die_errno("signalfd");
  watch(signals_, EPOLLIN);
  if (sink_.durable()) watch(sink_.sync_event(), EPOLLIN);
  prepare_fetch_file();
  listen_on_port();
}

void FloorServer::watch(int fd, std::uint32_t events, bool change) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  if (::epoll_ctl(epoll_, change ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) die_errno("epoll_ctl");
}

void FloorServer::listen_on_port() {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options_.port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die_errno("bind");
  if (::listen(listener_, 128) != 0) die_errno("listen");
  watch(listener_, EPOLLIN);
}

void FloorServer::prepare_fetch_file() {
  if (options_.fetch_file_bytes == 0) return;
  const std::string path = options_.folder + "/floor-fetch.log";
  fetch_file_ = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
  if (fetch_file_ < 0) die_errno("open " + path);
  const std::vector<std::byte> block(std::size_t{1} << 20, std::byte{0x5a});
  for (std::uint64_t written = 0; written < options_.fetch_file_bytes; written += block.size()) {
    if (::write(fetch_file_, block.data(), block.size()) != static_cast<ssize_t>(block.size())) die_errno("write");
  }
}

void FloorServer::run() {
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    if (count < 0 && errno != EINTR) die_errno("epoll_wait");
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == signals_) return;
      on_event(event.data.fd, event.events);
    }
    begin_sync_if_needed();
  }
}

void FloorServer::on_event(int fd, std::uint32_t events) {
  if (fd == listener_) return accept_one();
  if (sink_.durable() && fd == sink_.sync_event()) return on_sync_done();
  const auto found = connections_.find(fd);  // gone when an earlier event of this pass closed it
  if (found != connections_.end()) serve(*found->second, events);
}

void FloorServer::accept_one() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto connection = std::make_unique<FloorConnection>();
  connection->fd = fd;
  connection->in.resize(2 * kReadBytes);
  connections_.emplace(fd, std::move(connection));
  watch(fd, EPOLLIN);
}

void FloorServer::close_connection(FloorConnection& connection) {
  ::close(connection.fd);
  connections_.erase(connection.fd);
}

void FloorServer::serve(FloorConnection& connection, std::uint32_t events) {
  bool alive = true;
  if (connection.waits_for_space) {
    alive = flush(connection);
  } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    alive = read_once(connection);
  }
  if (alive) alive = answer_frames(connection);
  if (!alive) close_connection(connection);
}

/// One turn for all produce requests that are here; one turn for each fetch, whose slice must be gone before the next is looked at.
bool FloorServer::answer_frames(FloorConnection& connection) {
  while (connection.slice_left == 0 && !connection.waits_for_space && connection.in_end - connection.in_begin > kLengthBytes) {
    const std::size_t before = connection.in_begin;
    if (!take_frames(connection) || !flush(connection)) return false;
    if (connection.in_begin == before) return true;
  }
  return true;
}

bool FloorServer::read_once(FloorConnection& connection) {
  auto& in = connection.in;
  if (connection.in_begin == connection.in_end) connection.in_begin = connection.in_end = 0;
  if (in.size() - connection.in_end < kReadBytes) {
    const std::size_t kept = connection.in_end - connection.in_begin;
    std::memmove(in.data(), in.data() + connection.in_begin, kept);
    connection.in_begin = 0;
    connection.in_end = kept;
    if (in.size() - kept < kReadBytes) in.resize(2 * in.size());  // a frame larger than the buffer
  }
  const ssize_t got = ::read(connection.fd, in.data() + connection.in_end, kReadBytes);
  if (got < 0) return errno == EAGAIN;
  connection.in_end += static_cast<std::size_t>(got);
  return got > 0;
}

bool FloorServer::take_frames(FloorConnection& connection) {
  while (connection.slice_left == 0 && connection.in_end - connection.in_begin >= kLengthBytes) {
    const std::byte* start = connection.in.data() + connection.in_begin;
    const auto length = static_cast<std::uint32_t>(load_be<std::int32_t>(start));
    if (length > kFrameLimit || length < kCorrelationAt + sizeof(std::int32_t)) return false;
    if (connection.in_end - connection.in_begin < kLengthBytes + length) break;
    take_frame(connection, Bytes(start + kLengthBytes, length));
    connection.in_begin += kLengthBytes + length;
  }
  if (!pieces_.empty()) sink_.write(pieces_);
  if (!sink_.durable()) connection.out_allowed = connection.out.size();
  return true;
}

void FloorServer::take_frame(FloorConnection& connection, Bytes frame) {
  const auto correlation_id = load_be<std::int32_t>(frame.data() + kCorrelationAt);
  if (load_be<std::int16_t>(frame.data() + kApiKeyAt) == kFetchKey) {
    if (fetch_file_ < 0) die("a fetch came, but there is no --fetch-file-bytes");
    start_slice(connection, correlation_id);
    return;
  }
  acknowledge(connection, frame);
}

void FloorServer::acknowledge(FloorConnection& connection, Bytes frame) {
  checksums_ ^= crc32c(frame);
  pieces_.push_back({.iov_base = const_cast<std::byte*>(frame.data()), .iov_len = frame.size()});
  const Bytes answer = answers_.produce(load_be<std::int32_t>(frame.data() + kCorrelationAt));
  connection.out.insert(connection.out.end(), answer.begin(), answer.end());
}

void FloorServer::start_slice(FloorConnection& connection, std::int32_t correlation_id) {
  if (connection.slice_at + options_.slice_bytes > options_.fetch_file_bytes) connection.slice_at = 0;
  const Bytes head = answers_.fetch_head(correlation_id, options_.slice_bytes);
  connection.out.insert(connection.out.end(), head.begin(), head.end());
  connection.out_allowed = connection.out.size();
  connection.slice_left = options_.slice_bytes;
}

/// Sends what may leave. False when the connection is broken.
bool FloorServer::flush(FloorConnection& connection) {
  const bool waited = connection.waits_for_space;
  connection.waits_for_space = false;
  const bool alive = send_out(connection, connection.slice_left > 0) && send_slice(connection) && send_out(connection, false);
  if (alive && waited != connection.waits_for_space) watch(connection.fd, connection.waits_for_space ? EPOLLOUT : EPOLLIN, true);
  return alive;
}

bool FloorServer::send_out(FloorConnection& connection, bool more) {
  while (connection.out_sent < connection.out_allowed && !connection.waits_for_space) {
    const ssize_t sent = ::send(connection.fd, connection.out.data() + connection.out_sent, connection.out_allowed - connection.out_sent,
                                MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) connection.waits_for_space = true;
    if (sent > 0) connection.out_sent += static_cast<std::size_t>(sent);
  }
  if (connection.out_sent == connection.out.size()) {
    connection.out.clear();
    connection.out_sent = connection.out_allowed = connection.out_syncing = 0;
  }
  return true;
}

bool FloorServer::send_slice(FloorConnection& connection) {
  while (connection.slice_left > 0 && !connection.waits_for_space) {
    auto at = static_cast<off_t>(connection.slice_at);
    const ssize_t sent = ::sendfile(connection.fd, fetch_file_, &at, connection.slice_left);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent == 0) die("the fetch file is shorter than announced");
    if (sent < 0) {
      connection.waits_for_space = true;
      return true;
    }
    connection.slice_at += static_cast<std::uint64_t>(sent);
    connection.slice_left -= static_cast<std::size_t>(sent);
    if (connection.slice_left > 0) continue;
    const Bytes tail = Answers::fetch_tail();
    connection.out.insert(connection.out.end(), tail.begin(), tail.end());
    connection.out_allowed = connection.out.size();
  }
  return true;
}

void FloorServer::begin_sync_if_needed() {
  if (!sink_.durable() || sink_.syncing()) return;
  bool needed = false;
  for (auto& [fd, connection] : connections_) {
    connection->out_syncing = connection->out.size();
    needed = needed || connection->out_syncing > connection->out_allowed;
  }
  if (needed) sink_.begin_sync();
}

void FloorServer::on_sync_done() {
  sink_.end_sync();
  std::vector<FloorConnection*> broken;
  for (auto& [fd, connection] : connections_) {
    connection->out_allowed = std::max(connection->out_allowed, connection->out_syncing);
    if (!flush(*connection)) broken.push_back(connection.get());
  }
  for (FloorConnection* connection : broken) close_connection(*connection);
}

}  // namespace tidelog::bench
