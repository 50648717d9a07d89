#include "client/net/connection.h"

#include "proto/codec/frame.h"
#include "proto/error_code.h"
#include "proto/messages/api_versions_request.h"
#include "proto/messages/api_versions_response.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tidelog::core {
namespace {

constexpr int kReadsPerEvent = 16;  ///< So that one busy broker cannot starve the others.

int open_socket(const SocketAddress& address) {
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  return fd;
}

}  // namespace

Connection::Connection(IoLoop& loop, const Settings& settings, Address address)
    : loop_(loop),
      settings_(settings),
      address_(std::move(address)),
      name_(address_.text()),
      reader_(static_cast<std::size_t>(settings.receive_max_bytes)) {}

Connection::~Connection() {
  if (timer_) loop_.cancel(*timer_);
  if (fd_ < 0) return;
  loop_.unwatch(fd_);
  ::close(fd_);
}

void Connection::start(std::function<void()> changed) {
  changed_ = std::move(changed);
  state_ = State::resolving;
  arm_deadline(Clock::now() + settings_.connect_timeout);
  resolve(address_, loop_.inbox(), [weak = weak_from_this()](Resolved resolved) {
    if (const auto self = weak.lock(); self && self->state_ == State::resolving) self->on_resolved(std::move(resolved));
  });
}

void Connection::on_resolved(Resolved resolved) {
  if (resolved.addresses.empty()) return close(transport_error("unknown host (" + resolved.failure + ")"));
  addresses_ = std::move(resolved.addresses);
  try_next_address({});
}

void Connection::try_next_address(std::string reason) {
  while (next_address_ < addresses_.size()) {
    const SocketAddress& address = addresses_[next_address_++];
    if (fd_ >= 0) {
      loop_.unwatch(fd_);
      ::close(fd_);
    }
    fd_ = open_socket(address);
    if (fd_ < 0) return close(transport_error(std::strerror(errno)));
    state_ = State::connecting;
    const int done = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
    if (done != 0 && errno != EINPROGRESS) {
      reason = std::strerror(errno);
      continue;
    }
    loop_.watch(fd_, EPOLLIN | EPOLLOUT, [this](std::uint32_t events) { on_ready(events); });
    wants_write_ = true;
    return;
  }
  close(transport_error(reason));
}

void Connection::on_connected() {
  int failed = 0;
  socklen_t size = sizeof failed;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failed, &size);
  if (failed != 0) return try_next_address(std::strerror(failed));
  state_ = State::negotiating;
  ask_versions(proto::ApiVersionsRequest::kMaxVersion);
}

void Connection::ask_versions(std::int16_t version) {
  proto::ApiVersionsRequest message;
  message.client_software_name = "tidelog-client";
  message.client_software_version = "0.1.0";
  Request request = make_request(message, Clock::now() + settings_.connect_timeout);
  request.answer = [this](result<Answer> answer) { on_versions(std::move(answer)); };
  write(std::move(request), version);
}

void Connection::on_versions(result<Answer> answer) {
  if (!answer || state_ != State::negotiating) return;  // Closed, and told already.
  // A broker that does not know the version asked with answers in version 0, and the error stands at the same place in all of them.
  const bool has_error = answer->body.size() >= sizeof(std::int16_t);
  const auto code = has_error ? static_cast<ErrorCode>(load_be<std::int16_t>(answer->body.data())) : ErrorCode::none;
  if (code != ErrorCode::unsupported_version) return become_ready(*answer);
  if (answer->version == 0) return close(transport_error("it refuses every version of ApiVersions"));
  answer->version = 0;
  std::int16_t next = 0;
  if (const result<proto::ApiVersionsResponse> told = read_answer<proto::ApiVersionsResponse>(*answer)) {
    for (const auto& api : told->api_keys) {
      if (api.api_key == proto::ApiVersionsRequest::kKey)
        next = std::min<std::int16_t>(api.max_version, proto::ApiVersionsRequest::kMaxVersion);
    }
  }
  ask_versions(next);
}

void Connection::become_ready(const Answer& answer) {
  const result<proto::ApiVersionsResponse> told = read_answer<proto::ApiVersionsResponse>(answer);
  if (!told) return close(told.error());
  if (told->error_code != 0) return close(error::from_kafka(told->error_code, "cannot agree on versions with " + name_).set_broker(name_));
  for (const auto& api : told->api_keys) versions_[api.api_key] = {.low = api.min_version, .high = api.max_version};
  state_ = State::ready;
  std::deque<Request> waiting = std::move(waiting_);
  waiting_.clear();
  for (Request& request : waiting) send_or_refuse(std::move(request));
  if (state_ == State::ready) changed_();
}

std::optional<std::int16_t> Connection::version_for(std::int16_t api_key, std::int16_t low, std::int16_t high) const {
  const auto found = versions_.find(api_key);
  if (found == versions_.end()) return std::nullopt;
  const std::int16_t best = std::min(high, found->second.high);
  return best < std::max(low, found->second.low) ? std::nullopt : std::optional(best);
}

void Connection::send(Request request) {
  if (state_ == State::closed) return request.answer(transport_error("the connection is closed"));
  if (state_ == State::ready) return send_or_refuse(std::move(request));
  arm_deadline(request.deadline);
  waiting_.push_back(std::move(request));
}

void Connection::send_or_refuse(Request request) {
  if (state_ != State::ready) return request.answer(transport_error("the connection broke"));
  const std::optional<std::int16_t> version = version_for(request.api_key, request.min_version, request.max_version);
  if (version) return write(std::move(request), *version);
  error refused(errc::unsupported, name_ + " does not speak a version of request " + std::to_string(request.api_key) + " that this needs");
  request.answer(refused.set_broker(name_));
}

void Connection::write(Request request, std::int16_t version) {
  const std::int32_t correlation = next_correlation_++;
  const std::size_t start = proto::begin_request(
      out_, {.api_key = request.api_key, .api_version = version, .correlation_id = correlation, .client_id = settings_.client_id});
  request.encode(out_, version);
  proto::end_request(out_, start);
  if (request.has_answer) {
    in_flight_.push_back({.correlation_id = correlation,
                          .api_key = request.api_key,
                          .version = version,
                          .deadline = request.deadline,
                          .answer = std::move(request.answer)});
    arm_deadline(request.deadline);
  }
  const auto keep = shared_from_this();
  flush();
  if (!request.has_answer) request.answer(Answer{.frame = nullptr, .body = {}, .version = version, .broker = name_});
}

void Connection::flush() {
  while (state_ != State::closed && out_done_ < out_.size()) {
    const Bytes rest = out_.bytes().subspan(out_done_);
    const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (sent < 0) return close(transport_error(std::strerror(errno)));
    out_done_ += static_cast<std::size_t>(sent);
  }
  if (state_ == State::closed) return;
  const bool is_done = out_done_ == out_.size();
  if (is_done) {
    out_.clear();
    out_done_ = 0;
  }
  if (is_done != wants_write_) return;
  wants_write_ = !is_done;
  loop_.change(fd_, wants_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Connection::on_ready(std::uint32_t events) {
  const auto keep = shared_from_this();
  if (state_ == State::connecting) {
    on_connected();
    return;
  }
  if ((events & EPOLLOUT) != 0) flush();
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive();
}

void Connection::receive() {
  for (int reads = 0; reads < kReadsPerEvent && state_ != State::closed; ++reads) {
    const MutableBytes room = reader_.room();
    const ssize_t count = ::recv(fd_, room.data(), room.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) return close(transport_error(std::strerror(errno)));
    if (count == 0) return close(transport_error("it closed the connection"));
    if (const Result<void> ok = reader_.received(static_cast<std::size_t>(count)); !ok) {
      return close(
          error(errc::bad_answer, name_ + " sent an answer of impossible length").set_hint("is it a Kafka port?").set_broker(name_));
    }
    while (Frame frame = reader_.next()) {
      if (!take_frame(std::move(frame))) return;
    }
    if (static_cast<std::size_t>(count) < room.size()) return;
  }
}

bool Connection::take_frame(Frame frame) {
  heard_anything_ = true;
  const error bad = error(errc::bad_answer, name_ + " sent an answer that belongs to no request").set_broker(name_);
  if (in_flight_.empty()) return close(bad), false;
  const Result<proto::ResponseFrame> header =
      proto::decode_response(frame->bytes(), in_flight_.front().api_key, in_flight_.front().version);
  if (!header || header->correlation_id != in_flight_.front().correlation_id) return close(bad), false;
  InFlight done = std::move(in_flight_.front());
  in_flight_.pop_front();
  done.answer(Answer{.frame = std::move(frame), .body = header->body, .version = done.version, .broker = name_});
  return state_ != State::closed;
}

void Connection::close(error why) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  failure_ = why;
  const auto keep = shared_from_this();
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  if (fd_ >= 0) {
    loop_.unwatch(fd_);
    ::close(fd_);
    fd_ = -1;
  }
  std::deque<InFlight> in_flight = std::move(in_flight_);
  std::deque<Request> waiting = std::move(waiting_);
  in_flight_.clear();
  waiting_.clear();
  changed_();  // First, so that whoever hears of the failure below and tries again finds the connection gone.
  for (InFlight& request : in_flight) request.answer(why);
  for (Request& request : waiting) request.answer(why);
}

void Connection::arm_deadline(TimePoint deadline) {
  if (timer_ && timer_due_ <= deadline) return;
  if (timer_) loop_.cancel(*timer_);
  timer_due_ = deadline;
  timer_ = loop_.call_at(deadline, [this] {
    timer_.reset();
    on_deadline();
  });
}

void Connection::on_deadline() {
  const TimePoint now = Clock::now();
  TimePoint next = TimePoint::max();
  for (const InFlight& request : in_flight_) next = std::min(next, request.deadline);
  for (const Request& request : waiting_) next = std::min(next, request.deadline);
  const bool is_late_request = next <= now;
  const bool is_late_start = state_ != State::ready;  // The first deadline armed is that of connecting.
  if (!is_late_request && !is_late_start) {
    if (next != TimePoint::max()) arm_deadline(next);
    return;
  }
  error late(is_late_start ? errc::transport : errc::timed_out,
             is_late_start ? "cannot connect to " + name_ + ": no answer in time" : name_ + " did not answer in time");
  if (!heard_anything_) late.set_hint("is it a Kafka port? one that expects TLS or SASL stays silent too");
  close(late.set_broker(name_).set_retriable(true));
}

error Connection::transport_error(std::string_view what) const {
  const bool was_ready = state_ == State::ready || !versions_.empty();
  std::string text = was_ready ? "lost the connection to " : "cannot connect to ";
  text.append(name_).append(": ").append(what);
  error made(errc::transport, std::move(text));
  if (!was_ready && state_ != State::negotiating) made.set_hint("is a broker running there? start one with: tidelog serve");
  if (state_ == State::negotiating) made.set_hint("is it a Kafka port, without TLS or SASL?");
  return made.set_broker(name_).set_retriable(true);
}

}  // namespace tidelog::core
