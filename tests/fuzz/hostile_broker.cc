#include "tests/fuzz/hostile_broker.h"

#include "proto/base/endian.h"
#include "proto/codec/api_table.h"
#include "proto/codec/frame.h"
#include "proto/codec/interpreter.h"
#include "proto/messages/api_versions_response.h"

#include <fcntl.h>
#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <span>

extern "C" int __real_close(int descriptor);

namespace tidelog::fuzz {
namespace {

enum class Piece : std::uint8_t { body, frame, noise, last_body };
constexpr std::size_t kPieceHeaderBytes = 3;
constexpr std::size_t kLengthBytes = 4;
constexpr std::int16_t kApiVersions = static_cast<std::int16_t>(proto::ApiKey::api_versions);

void honest_versions(proto::Output& out, std::int16_t version, std::int16_t back) {
  using Response = proto::ApiVersionsResponse;
  std::vector<Response::ApiVersion> all;
  for (const proto::ApiInfo& api : proto::served_apis()) {
    Response::ApiVersion& one = all.emplace_back();
    one.api_key = api.key;
    one.min_version = api.min_version;
    one.max_version = std::max<std::int16_t>(api.min_version, static_cast<std::int16_t>(api.max_version - back));
  }
  Response message;
  message.api_keys = all;
  proto::encode(message, version, out);
}

}  // namespace

HostileBroker& HostileBroker::the_only() {
  static HostileBroker broker;
  return broker;
}

void HostileBroker::follow(Bytes script, Manners manners) {
  const std::lock_guard lock(mutex_);
  script_ = script;
  manners_ = manners;
}

bool HostileBroker::is_done() {
  const std::lock_guard lock(mutex_);
  return script_.size() < kPieceHeaderBytes;
}

int HostileBroker::accept(int client) {
  int both[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both) != 0) return -1;
  // The client keeps the number of its socket, and what it is becomes one end of the pair.
  if (::dup3(both[0], client, O_CLOEXEC) < 0) std::abort();
  __real_close(both[0]);
  const std::lock_guard lock(mutex_);
  talks_[client] = {.socket = both[1], .received = {}};
  return 0;
}

void HostileBroker::receive(int client, Bytes bytes) {
  const std::lock_guard lock(mutex_);
  Talk& talk = talks_[client];
  talk.received.insert(talk.received.end(), bytes.begin(), bytes.end());
  while (talk.received.size() >= kLengthBytes) {
    const auto size = static_cast<std::size_t>(load_be<std::int32_t>(talk.received.data()));
    if (talk.received.size() - kLengthBytes < size) return;
    const std::vector<std::byte> request(talk.received.begin() + kLengthBytes, talk.received.begin() + kLengthBytes + size);
    talk.received.erase(talk.received.begin(), talk.received.begin() + kLengthBytes + size);
    if (talk.socket >= 0) answer(talk, request);
  }
}

void HostileBroker::answer(Talk& talk, Bytes request) {
  const Result<proto::RequestFrame> read = proto::decode_request(request);
  if (!read) std::abort();  // Ours writes no such request.
  const proto::RequestHeader& header = read->header;
  proto::Output out;
  const std::size_t start = proto::begin_response(out, header.api_key, header.api_version, header.correlation_id);
  if (header.api_key == kApiVersions && manners_.lists_versions) {
    honest_versions(out, header.api_version, manners_.versions_back);
    proto::end_response(out, start);
    return tell(talk, out.bytes());
  }
  if (script_.size() < kPieceHeaderBytes) return hang_up(talk);
  const auto kind = static_cast<Piece>(static_cast<std::uint8_t>(script_[0]) & 3U);
  const auto size = std::min<std::size_t>(load_be<std::uint16_t>(script_.data() + 1), script_.size() - kPieceHeaderBytes);
  const Bytes piece = script_.subspan(kPieceHeaderBytes, size);
  script_ = script_.subspan(kPieceHeaderBytes + size);
  if (kind == Piece::noise) return tell(talk, piece);
  if (kind == Piece::frame) {
    out.clear();
    out.put(static_cast<std::int32_t>(size));
  }
  out.append(piece);
  if (kind != Piece::frame) proto::end_response(out, start);
  tell(talk, out.bytes());
  if (kind == Piece::last_body) hang_up(talk);
}

/// What does not fit is lost, as with any broker that breaks off.
void HostileBroker::tell(Talk& talk, Bytes bytes) {
  const ssize_t sent = ::write(talk.socket, bytes.data(), bytes.size());
  if (sent < 0 || static_cast<std::size_t>(sent) < bytes.size()) hang_up(talk);
}

void HostileBroker::hang_up(Talk& talk) {
  if (talk.socket >= 0) __real_close(talk.socket);  // The other one would come back here, with the lock held.
  talk.socket = -1;
}

void HostileBroker::leave(int client) {
  const std::lock_guard lock(mutex_);
  const auto found = talks_.find(client);
  if (found == talks_.end()) return;
  hang_up(found->second);
  talks_.erase(found);
}

}  // namespace tidelog::fuzz

// The linker gives the client these for the system's own (--wrap).
extern "C" {
int __real_getaddrinfo(const char* host, const char* port, const addrinfo* hints, addrinfo** found);

int __wrap_connect(int socket, const sockaddr*, socklen_t) { return tidelog::fuzz::HostileBroker::the_only().accept(socket); }

ssize_t __wrap_send(int socket, const void* data, std::size_t size, int) {
  tidelog::fuzz::HostileBroker::the_only().receive(socket, {static_cast<const std::byte*>(data), size});
  return static_cast<ssize_t>(size);
}

int __wrap_close(int descriptor) {
  tidelog::fuzz::HostileBroker::the_only().leave(descriptor);
  return __real_close(descriptor);
}

/// No name is asked for: all of them are this machine.
int __wrap_getaddrinfo(const char*, const char* port, const addrinfo* hints, addrinfo** found) {
  return __real_getaddrinfo("127.0.0.1", port, hints, found);
}
}
