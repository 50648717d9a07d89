#pragma once

#include "broker/partition/ack_waiters.h"
#include "broker/shard/limit_log.h"
#include "proto/base/types.h"
#include "proto/record/validate.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::broker {

struct TopicConfig;

/// What the records were found to be before their pass, by which settings.
struct CheckedAhead {
  std::shared_ptr<const TopicConfig> config;
  Result<proto::CheckedBatch, proto::BatchError> verdict;
};

/// One partition's share of a produce request, and its answer. Made on the connection's shard, handed to the partition's shard, which alone
/// touches it until `on_done`.
class ProducePart final : public AckWaiter {
 public:
  struct RecordError {
    std::int32_t batch_index = 0;
    std::string message;
  };

  // What is asked.
  TopicPartition id;
  std::int32_t index = 0;  ///< As the client named it, for its answer.
  MutableBytes records;    ///< As it came; stamped in place. Null pointer: the client sent null.
  std::int16_t api_version = 0;
  bool waits_for_all = false;  ///< acks=-1.
  bool has_transactional_id = false;
  bool is_timed = false;                  ///< Whoever sent it pays for the time it takes.
  std::unique_ptr<CheckedAhead> checked;  ///< Null: its partition checks it when it takes it.

  // What is answered.
  ErrorCode error = ErrorCode::none;
  Offset base_offset{-1};
  TimestampMs log_append_time{-1};
  Offset log_start_offset{-1};
  std::string error_message;
  std::vector<RecordError> record_errors;
  std::optional<Limit> met;          ///< The limit it was refused for, if that was the reason.
  std::chrono::nanoseconds spent{};  ///< What checking and writing it took, if it is timed.

  /// Called once, on the partition's shard, when the answer is complete.
  class Owner {
   public:
    virtual void on_part_done(ProducePart& part) = 0;
    const void* client = nullptr;  ///< Whose it is: a client's parts are taken in order, and clients take turns.
    bool is_long = false;          ///< Its parts take long together.

   protected:
    ~Owner() = default;
  };
  Owner* owner = nullptr;

  void fail(ErrorCode code, std::string message = {}) {
    error = code;
    error_message = std::move(message);
  }
  void done() { owner->on_part_done(*this); }
  void on_outcome(ErrorCode outcome) override {
    if (outcome != ErrorCode::none) {
      fail(outcome, "the broker cannot say whether the records are kept: produce them again");
      base_offset = {-1};
    }
    done();
  }
};

}  // namespace tidelog::broker
