#pragma once

namespace tidelog::broker {

/// Makes room when a shard's memory is used up: the connection that holds the most of what nobody gets anything for is closed. It knows all
/// connections of the shard. Thread: its loop.
class Relief {
 public:
  Relief() = default;
  Relief(const Relief&) = delete;
  Relief& operator=(const Relief&) = delete;
  virtual ~Relief() = default;
  /// Somebody has waited long for memory to read into: closes the connection with the largest request that is not whole yet.
  virtual void free_request_memory() = 0;
  /// More is laid out for peers than may be: closes those with the most that they do not read, until it fits.
  virtual void free_response_memory() = 0;
};

}  // namespace tidelog::broker
