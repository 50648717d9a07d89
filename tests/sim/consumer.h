#pragma once

#include "proto/messages/fetch_response.h"
#include "tests/sim/client.h"

namespace tidelog::sim {

struct ConsumerPlan {
  int id = 0;
  std::chrono::milliseconds max_wait{500};
  std::int32_t min_bytes = 1;
  std::int32_t partition_max_bytes = 64 * 1024;
  std::int32_t max_bytes = 64 * 1024;
  bool leaves_at_end = false;  ///< Stops once it has read up to the high watermark of every partition.
};

/// A consumer that reads every partition from the beginning and notes all it sees.
/// Life: outlives its coroutine `run`.
class SimConsumer {
 public:
  SimConsumer(ClientWorld& clients, SimLoop& loop, ConsumerPlan plan, Dice dice);

  asio::awaitable<void> run();
  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] const std::vector<std::map<std::int64_t, std::string>>& seen() const { return seen_; }
  [[nodiscard]] std::string state() const;

 private:
  asio::awaitable<void> work(KafkaConnection& connection);
  asio::awaitable<bool> fetch(KafkaConnection& connection);
  /// False: the answer breaks a promise or asks to come again.
  bool take(const proto::FetchResponse::PartitionData& data);
  bool take_records(int partition, Bytes records, std::int64_t high_watermark);
  [[nodiscard]] bool is_at_end() const;
  void accuse(const std::string& what) { clients_.history.violations.push_back("consumer " + std::to_string(plan_.id) + ": " + what); }

  ClientWorld& clients_;
  SimLoop& loop_;
  ConsumerPlan plan_;
  Dice dice_;
  std::vector<std::int64_t> offsets_;          ///< The next to read, by partition.
  std::vector<std::int64_t> high_watermarks_;  ///< The last that was told; -1: none yet.
  std::vector<std::map<std::int64_t, std::string>> seen_;
  bool is_done_ = false;
};

}  // namespace tidelog::sim
