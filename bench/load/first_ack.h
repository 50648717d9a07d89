#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tidelog::bench {

struct FirstAckPlan {
  std::uint16_t port = 0;
  std::string topic = "first-ack";
  bool floor = false;   ///< No topics to create there.
  int broker_cpu = -1;  ///< Pin the command to it; below zero: wherever the system puts it.
  bool keep = false;    ///< Leave the command running.
};

/// Milliseconds from the moment before the process is spawned.
struct FirstAckTimes {
  double connected_ms = 0;  ///< A connection was accepted.
  double answered_ms = 0;   ///< ApiVersions was answered.
  double acked_ms = 0;      ///< The topic exists and its first acks=all produce was acknowledged.
  pid_t pid = 0;
};

/// Spawns `command`, tries to connect without a pause, creates a topic and produces one record, then stops what it started.
/// The port must lie outside the ephemeral range, or a refused connect may meet itself.
FirstAckTimes measure_first_ack(const FirstAckPlan& plan, const std::vector<std::string>& command);

}  // namespace tidelog::bench
