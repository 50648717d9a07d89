#pragma once

#include "cli/doctor/kafka_dialog.h"

namespace tidelog::cli {

/// Looks again at an address that did not answer in Kafka's protocol, in TLS and in HTTP. What that gives away, or `failure` as it was.
HopFailure identify(const core::SocketAddress& address, std::chrono::milliseconds timeout, HopFailure failure);

}  // namespace tidelog::cli
