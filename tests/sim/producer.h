#pragma once

#include "proto/error_code.h"
#include "proto/record/builder.h"
#include "tests/sim/client.h"

#include <optional>

namespace tidelog::sim {

struct ProducerPlan {
  int id = 0;
  bool is_idempotent = true;
  std::int16_t acks = -1;
  int batches = 20;
  int most_records = 4;
  int most_value_bytes = 200;
  std::size_t most_in_flight = 5;
  SteadyTime pause{};  ///< Between batches, at most.
  std::optional<int> only_partition{};
};

/// A producer that keeps several requests in flight. An idempotent one sends what was not acknowledged again, with the same sequence
/// numbers, until it is; a plain one never repeats itself.
/// Life: outlives its coroutine `run`.
class SimProducer {
 public:
  SimProducer(ClientWorld& clients, SimLoop& loop, ProducerPlan plan, Dice dice);

  asio::awaitable<void> run();
  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] std::string state() const;

 private:
  struct Batch {
    int partition;
    std::int32_t base_sequence;
    std::vector<std::string> values;
    std::int16_t version;
    bool was_sent = false;                 ///< On an earlier connection, with unknown outcome.
    std::int64_t highest_ack_before = -1;  ///< The partition's highest acknowledged offset when it was last sent again.
  };
  enum class Next : std::uint8_t { go_on, reconnect };

  asio::awaitable<void> work(KafkaConnection& connection);
  asio::awaitable<bool> begin(KafkaConnection& connection);
  asio::awaitable<bool> send(KafkaConnection& connection, Batch& batch);
  asio::awaitable<Next> await_answer(KafkaConnection& connection);
  void make_batch();
  void forget_in_flight();
  Next on_answer(ErrorCode error, std::int64_t base_offset);
  void acked(const Batch& batch, std::int64_t base_offset);

  ClientWorld& clients_;
  SimLoop& loop_;
  ProducerPlan plan_;
  Dice dice_;
  std::deque<Batch> batches_;  ///< Made and not answered, oldest first; the first `in_flight_` of them are under way.
  std::size_t in_flight_ = 0;
  int made_ = 0;
  std::int64_t producer_id_ = -1;
  std::int16_t producer_epoch_ = -1;
  std::vector<std::int64_t> next_number_;  ///< By partition.
  proto::BatchBuilder builder_;
  ErrorCode last_error_{};
  bool is_done_ = false;
};

}  // namespace tidelog::sim
