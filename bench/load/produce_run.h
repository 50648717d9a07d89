#pragma once

#include "bench/load/responses.h"
#include "bench/load/run_result.h"
#include "bench/load/socket.h"

#include <string>
#include <vector>

namespace tidelog::bench {

struct ProduceShape {
  std::string topic = "bench";
  std::int32_t partitions = 1;
  std::int32_t together = 1;  ///< So many of them in one request, a batch each; divides `partitions`.
  std::int16_t acks = -1;
  std::size_t record_bytes = 1024;  ///< Of the value.
  std::size_t batch_bytes = 65536;  ///< As many records as fit; 1 means one record a request.
  std::size_t window = 5;           ///< Requests in flight.
  bool check_offsets = true;        ///< Off for the floor, which keeps no offsets.
};

/// A closed loop over one connection: `window` requests are always in flight, laid out once in a ring and sent as they are but for
/// the correlation id, so the generator costs a send and a receive. Partitions, or groups of `together` of them, take turns.
/// Thread: one. Invariant: acked <= issued <= acked + window; a slot is rewritten only after its answer came.
class ProduceRun {
 public:
  ProduceRun(Socket& socket, const ProduceShape& shape);

  /// Sends `requests` (or stops issuing after `limit`), waits for every answer.
  RunResult run(std::uint64_t requests, std::chrono::duration<double> limit);

 private:
  void issue(Clock::time_point now);
  bool send();
  void take_answers(RunResult& result);
  void take_answer(Bytes frame, Clock::time_point now, RunResult& result);
  /// False if the partition was refused. `first`: of those that the request wrote to.
  bool take_partition(const PartitionAnswer& answer, std::int32_t first, RunResult& result);
  [[nodiscard]] std::size_t slots() const { return sent_at_.size(); }
  [[nodiscard]] std::size_t groups() const { return static_cast<std::size_t>(shape_.partitions / shape_.together); }
  [[nodiscard]] std::int32_t first_partition(std::size_t slot) const {
    return static_cast<std::int32_t>(slot % groups()) * shape_.together;
  }

  Socket& socket_;
  ProduceShape shape_;
  std::size_t records_per_batch_;
  std::size_t batch_size_ = 0;
  std::size_t slot_bytes_ = 0;
  std::vector<std::byte> ring_;
  std::vector<Clock::time_point> sent_at_;  ///< By slot.
  std::vector<std::int64_t> next_offset_;   ///< By partition; -1 before its first answer.
  ProduceAnswer answer_;                    ///< Kept for its memory.
  std::uint64_t issued_ = 0;
  std::uint64_t acked_ = 0;
  std::uint64_t end_ = 0;         ///< No request from this number on is issued.
  std::uint64_t sent_bytes_ = 0;  ///< Of the endless row of slots.
};

}  // namespace tidelog::bench
