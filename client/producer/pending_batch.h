#pragma once

#include "client/net/io_loop.h"
#include "proto/record/builder.h"
#include <tidelog/producer.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace tidelog::core {

/// Who an idempotent producer is towards the brokers. -1: nobody yet, or not idempotent.
struct Identity {
  std::int64_t producer_id = -1;
  std::int16_t epoch = -1;
  bool operator==(const Identity&) const = default;
  [[nodiscard]] bool is_set() const { return producer_id >= 0; }
};

/// Records that go to one partition together, from the first `send` until the broker's last word.
/// Life: reused through a pool.  Thread: under the producer's lock while it is filled, the loop's afterwards.
class PendingBatch {
 public:
  void reset(std::uint64_t new_id, TimePoint now) {
    builder.clear();
    callbacks.clear();
    bytes = {};
    id = counted_id = new_id;
    created_at = now;
    retry_at = {};
    base_sequence = -1;
    is_in_flight = was_sent = is_full = false;
    retries = 0;
    identity = {};
  }

  /// The bytes to send, stamped with the identity and sequence that it has now. Compresses once, then only stamps.
  void seal(proto::Codec codec, int level);

  std::uint64_t id = 0;
  std::uint64_t counted_id = 0;  ///< The id that `flush` waits for: its own, or that of the batch it is a half of.
  TimePoint created_at;
  proto::BatchBuilder builder;
  std::vector<std::pair<std::int32_t, delivery_fn>> callbacks;  ///< By index of the record; most have none.
  std::uint64_t first_tag = 0;
  std::uint64_t last_tag = 0;
  std::size_t reserved_bytes = 0;  ///< Of the producer's memory budget.
  Bytes bytes;                     ///< Once sealed; views the builder.
  Identity identity;
  std::int32_t base_sequence = -1;
  TimePoint retry_at;
  int retries = 0;
  bool is_full = false;
  bool is_in_flight = false;
  bool was_sent = false;  ///< So the broker may have it, until it says that it has not.
};

/// The sequence `count` records after `sequence`; they go on at 0 after 2^31 - 1.
constexpr std::int32_t advance_sequence(std::int32_t sequence, std::int32_t count) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(sequence) + static_cast<std::uint32_t>(count)) & 0x7fffffffU);
}

}  // namespace tidelog::core
