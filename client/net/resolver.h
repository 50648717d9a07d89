#pragma once

#include "client/net/io_loop.h"
#include "client/settings.h"

#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

namespace tidelog::core {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// What a host name stands for, or why not.
struct Resolved {
  std::vector<SocketAddress> addresses;
  std::string failure;
};

/// Looks an address up without blocking the loop: numbers at once, names on a thread of their own, since the system's resolver blocks.
/// `done` runs on the loop of `inbox`, or never if that ends first.
void resolve(const Address& address, std::shared_ptr<Inbox> inbox, std::move_only_function<void(Resolved)> done);

}  // namespace tidelog::core
