#pragma once

#include "bench/load/requests.h"
#include "bench/load/run_result.h"
#include "bench/load/socket.h"

#include <string>
#include <vector>

namespace tidelog::bench {

struct FetchShape {
  std::string topic = "bench";
  std::int32_t partitions = 1;
  std::int32_t max_bytes = 1 << 20;
  bool floor = false;  ///< The answers hold no batches, only bytes.
  bool check_crc = false;
};

/// Catch-up reading from offset 0 over one connection: one request in flight for each partition, the next one sent when the answer
/// is whole; at the end of a partition it starts over. Thread: one.
class FetchRun {
 public:
  FetchRun(Socket& socket, const FetchShape& shape);

  /// Reads at least `bytes` of record batches, or for `limit`.
  RunResult run(std::uint64_t bytes, std::chrono::duration<double> limit);

 private:
  struct Partition {
    FetchTemplate request;
    std::int64_t offset = 0;
    Clock::time_point asked_at{};
  };
  void ask(std::size_t index, Clock::time_point now);
  bool send();
  void take_answer(Bytes frame, Clock::time_point now, RunResult& result);
  bool take_records(Partition& partition, Bytes records, std::int64_t high_watermark, RunResult& result);

  Socket& socket_;
  FetchShape shape_;
  std::vector<Partition> partitions_;
  std::vector<std::byte> out_;
  std::size_t in_flight_ = 0;
  bool stopping_ = false;
};

}  // namespace tidelog::bench
