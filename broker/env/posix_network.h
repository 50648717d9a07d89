#pragma once

#include "broker/env/env.h"

namespace tidelog::broker {

/// TCP through the kernel. Every loop handed in must be a `PosixLoop`.
class PosixNetwork final : public Network {
 public:
  Result<std::unique_ptr<Listener>> listen(const Endpoint& at, Loop& loop) override;
};

}  // namespace tidelog::broker
