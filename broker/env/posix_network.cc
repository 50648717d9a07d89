#include "broker/env/posix_network.h"

#include "broker/env/posix_loop.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

namespace tidelog::broker {
namespace {

using Tcp = asio::ip::tcp;

constexpr int kBacklog = 1024;
/// Descriptors that connections leave to logs: of a small limit a share, of a large one enough for many segments to roll at once.
constexpr int kLeastReserve = 32;
constexpr int kReserveShare = 16;
constexpr std::size_t kMaxParts = 64;  ///< Parts of one gathered write; the rest goes with the next.

Errc from_errno(int error) {
  switch (error) {
    case EAGAIN: return Errc::would_block;
    case ECONNRESET:
    case EPIPE:
    case ENOTCONN:
    case EBADF: return Errc::closed;
    case EADDRINUSE: return Errc::exists;
    case EADDRNOTAVAIL: return Errc::not_found;
    case EACCES:
    case EPERM:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return Errc::refused;
    default: return Errc::io;
  }
}

/// The kernel hands out the lowest free number, so a higher one says that what lies below is taken.
int last_descriptor_for_connections() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::numeric_limits<int>::max();
  const auto all = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, std::numeric_limits<int>::max()));
  return all - std::max(kLeastReserve, all / kReserveShare);
}

Endpoint to_endpoint(const Tcp::endpoint& from) { return {.host = from.address().to_string(), .port = from.port()}; }

class PosixStream final : public Stream {
 public:
  PosixStream(Tcp::socket socket, Endpoint local, Endpoint peer)
      : socket_(std::move(socket)), local_(std::move(local)), peer_(std::move(peer)) {}
  ~PosixStream() override { close(); }

  Result<std::size_t> read(MutableBytes into) override {
    const ssize_t n = retry([&] { return ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT); });
    if (n < 0) return from_errno(errno);
    if (n == 0) return Errc::closed;
    return static_cast<std::size_t>(n);
  }

  Result<std::size_t> write(std::span<const Bytes> parts) override {
    std::array<iovec, kMaxParts> vectors;
    const std::size_t count = std::min(parts.size(), kMaxParts);
    for (std::size_t i = 0; i < count; ++i) {
      vectors[i] = {.iov_base = const_cast<std::byte*>(parts[i].data()), .iov_len = parts[i].size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const ssize_t n = retry([&] { return ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT); });
    if (n < 0) return from_errno(errno);
    return static_cast<std::size_t>(n);
  }

  Result<std::size_t> send_file(const storage::File& file, std::uint64_t position, std::size_t size_bytes) override {
    off_t at = static_cast<off_t>(position);
    const ssize_t n = retry([&] { return ::sendfile(socket_.native_handle(), file.native_handle(), &at, size_bytes); });
    if (n < 0) return from_errno(errno);
    return static_cast<std::size_t>(n);
  }

  asio::awaitable<void> readable() override { return wait(Tcp::socket::wait_read); }
  asio::awaitable<void> writable() override { return wait(Tcp::socket::wait_write); }

  void close() override {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  std::size_t unconfirmed_bytes() const override {
    int bytes = 0;
    const bool known = ::ioctl(const_cast<Tcp::socket&>(socket_).native_handle(), SIOCOUTQ, &bytes) == 0;
    return known && bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
  }
  Endpoint local() const override { return local_; }
  Endpoint peer() const override { return peer_; }

 private:
  template <class Call>
  static ssize_t retry(Call call) {
    ssize_t n = 0;
    do n = call();
    while (n < 0 && errno == EINTR);
    return n;
  }

  asio::awaitable<void> wait(Tcp::socket::wait_type what) {
    boost::system::error_code error;
    if (!socket_.is_open()) co_return;
    co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
  }

  Tcp::socket socket_;
  Endpoint local_;
  Endpoint peer_;
};

class PosixAccepted final : public Accepted {
 public:
  PosixAccepted(int descriptor, Tcp protocol, Endpoint local, Endpoint peer)
      : descriptor_(descriptor), protocol_(protocol), local_(std::move(local)), peer_(std::move(peer)) {}
  ~PosixAccepted() override {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Endpoint peer() const override { return peer_; }
  std::unique_ptr<Stream> open(Loop& loop) override {
    Tcp::socket socket(static_cast<PosixLoop&>(loop).context(), protocol_, std::exchange(descriptor_, -1));
    return std::make_unique<PosixStream>(std::move(socket), std::move(local_), std::move(peer_));
  }

 private:
  int descriptor_;
  Tcp protocol_;
  Endpoint local_;
  Endpoint peer_;
};

class PosixListener final : public Listener {
 public:
  explicit PosixListener(Tcp::acceptor acceptor) : acceptor_(std::move(acceptor)), local_(to_endpoint(acceptor_.local_endpoint())) {}

  asio::awaitable<Result<std::unique_ptr<Accepted>>> accept() override {
    for (;;) {
      if (!acceptor_.is_open()) co_return Errc::closed;
      Tcp::endpoint peer;
      socklen_t size = static_cast<socklen_t>(peer.capacity());
      const int descriptor = ::accept4(acceptor_.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor > last_descriptor_) {
        ::close(descriptor);
        co_return Errc::refused;
      }
      if (descriptor >= 0) co_return adopt(descriptor, peer);
      if (errno == EAGAIN) {
        boost::system::error_code error;
        co_await acceptor_.async_wait(Tcp::acceptor::wait_read, asio::redirect_error(asio::use_awaitable, error));
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) co_return Errc::refused;
      // Anything else concerns one connection that is gone already.
    }
  }

  Endpoint local() const override { return local_; }
  void close() override {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  Result<std::unique_ptr<Accepted>> adopt(int descriptor, const Tcp::endpoint& peer) {
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    Tcp::endpoint local;
    socklen_t size = static_cast<socklen_t>(local.capacity());
    ::getsockname(descriptor, local.data(), &size);
    return std::unique_ptr<Accepted>(std::make_unique<PosixAccepted>(descriptor, local.protocol(), to_endpoint(local), to_endpoint(peer)));
  }

  Tcp::acceptor acceptor_;
  Endpoint local_;
  int last_descriptor_ = last_descriptor_for_connections();
};

}  // namespace

Result<std::unique_ptr<Listener>> PosixNetwork::listen(const Endpoint& at, Loop& loop) {
  asio::io_context& context = static_cast<PosixLoop&>(loop).context();
  boost::system::error_code error;
  Tcp::resolver resolver(context);
  const std::string host = at.host.empty() ? "0.0.0.0" : at.host;
  const auto found = resolver.resolve(host, std::to_string(at.port), Tcp::resolver::passive, error);
  if (error || found.empty()) return Errc::not_found;
  const Tcp::endpoint endpoint = *found.begin();
  Tcp::acceptor acceptor(context);
  acceptor.open(endpoint.protocol(), error);
  if (error) return Errc::io;
  ::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
  acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  acceptor.bind(endpoint, error);
  if (error) return from_errno(error.value());
  acceptor.listen(kBacklog, error);
  if (error) return from_errno(error.value());
  acceptor.non_blocking(true, error);
  return std::unique_ptr<Listener>(std::make_unique<PosixListener>(std::move(acceptor)));
}

}  // namespace tidelog::broker
