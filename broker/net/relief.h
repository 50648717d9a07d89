#pragma once

#include <cstddef>

namespace tidelog::broker {

/// Makes room when a shard's memory is used up: the connection that holds the most of what nobody gets anything for is closed. It knows all
/// connections of the shard. Thread: its loop.
class Relief {
 public:
  Relief() = default;
  Relief(const Relief&) = delete;
  Relief& operator=(const Relief&) = delete;
  virtual ~Relief() = default;
  /// Somebody waits for memory to read into. After a second of it fetches that wait for records while more requests are queued behind
  /// them are answered; if that is not enough, or was not, those are closed who hold most of it with requests that are not whole yet, until
  /// a quarter of the pool is free. However many wait, it is done once a second: what they held may be enough for all of them. Where
  /// nothing would come by waiting, since those who wait hold it themselves, it is done at once.
  virtual void watch_request_memory() = 0;
  /// More is laid out for peers than may be: closes those with the most that they do not read, until it fits. Who has had no time to read
  /// yet stays, as long as that leaves a bound.
  virtual void free_response_memory() = 0;
  /// A request wants so many bytes for its answer, and others have them. Who waits for records is answered now; if that does not give
  /// enough back soon, those are closed who do not read their answers, the slowest first, until there is room or nobody is left who is that
  /// slow.
  virtual void make_room_for_answer(std::size_t bytes) = 0;
};

}  // namespace tidelog::broker
