#include "client/net/resolver.h"

#include <netdb.h>

#include <cstring>
#include <thread>

namespace tidelog::core {
namespace {

Resolved look_up(const Address& address, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  Resolved resolved;
  const int failed = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (failed != 0) {
    resolved.failure = ::gai_strerror(failed);
    return resolved;
  }
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    SocketAddress& added = resolved.addresses.emplace_back();
    std::memcpy(&added.storage, entry->ai_addr, entry->ai_addrlen);
    added.size = entry->ai_addrlen;
  }
  ::freeaddrinfo(list);
  return resolved;
}

}  // namespace

void resolve(const Address& address, std::shared_ptr<Inbox> inbox, std::move_only_function<void(Resolved)> done) {
  Resolved numeric = look_up(address, AI_NUMERICHOST);
  if (!numeric.addresses.empty()) return done(std::move(numeric));
  std::thread([address, inbox = std::move(inbox), done = std::move(done)]() mutable {
    Resolved resolved = look_up(address, 0);
    inbox->post([done = std::move(done), resolved = std::move(resolved)]() mutable { done(std::move(resolved)); });
  }).detach();
}

}  // namespace tidelog::core
