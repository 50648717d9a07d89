#pragma once

#include "client/core/client_core.h"
#include "client/producer/accumulator.h"
#include "proto/messages/init_producer_id_response.h"
#include "proto/messages/produce_response.h"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace tidelog::core {

/// What the callers of a producer and its sender share.  Thread: under `mutex`, but for what says otherwise.
struct ProducerState {
  ProducerState(const Settings& settings, producer_options producer_options)
      : options(std::move(producer_options)),
        accumulator(settings, options.spread_bytes() != 0 ? options.spread_bytes() : static_cast<std::size_t>(settings.batch_bytes)) {}

  const producer_options options;  ///< Never changes.
  std::mutex mutex;
  std::condition_variable changed;  ///< Batches were completed, or the producer ended.
  Accumulator accumulator;
  std::optional<error> ended;  ///< Why nothing more is taken.
  int hurried = 0;             ///< Callers that wait for room or for a flush: batches go without lingering.
};

/// The producer's part on the loop: decides what goes to which broker, and what answers mean.
/// Life: shared with its own callbacks; after `stop` it does nothing more.  Thread: the loop.
class Sender : public std::enable_shared_from_this<Sender> {
 public:
  Sender(ClientCore& core, std::shared_ptr<ProducerState> state) : core_(core), state_(std::move(state)) {}

  void start();
  /// Fails what is left with `why`.
  void stop(const error& why);
  /// Sends whatever may go now. Call it after anything changed.
  void pump();

 private:
  struct Sent {
    PartitionQueue* queue;
    PendingBatch* batch;  ///< Until the request is written.
    std::uint64_t id;     ///< By which it is found again: it may be gone when the answer comes.
    Uuid topic_id;
  };
  using Group = std::vector<Sent>;

  bool send_round(TimePoint now);
  [[nodiscard]] std::map<std::int32_t, Group> choose(TimePoint now);
  [[nodiscard]] std::int32_t usable_leader(const PartitionQueue& queue, const Metadata& metadata);
  void send_group(std::int32_t leader, Group group);
  void on_answer(const Group& group, result<Answer> answer);
  /// Takes what the answer names out of `missing`.
  void on_topic(Group& missing, std::int16_t version, const proto::ProduceResponse::TopicProduceResponse& topic);
  void on_lost(const Group& group, const error& why);
  void on_partition(const Sent& sent, const proto::ProduceResponse::PartitionProduceResponse& answer);

  void written(PartitionQueue& queue, PendingBatch& batch, std::int64_t base_offset);
  void failed(PartitionQueue& queue, PendingBatch& batch, const error& why);
  void split(PartitionQueue& queue, PendingBatch& batch);
  void report(const PartitionQueue& queue, PendingBatch& batch, const result<std::int64_t>& outcome);
  void complete(std::unique_ptr<PendingBatch> batch);
  void expire(TimePoint now);
  void fail_all(const error& why);

  void provide_identities();
  void ask_identity();
  void on_identity(result<Answer> answer);

  void arm_timer(TimePoint now);
  [[nodiscard]] Milliseconds backoff(int retries) const;

  ClientCore& core_;
  std::shared_ptr<ProducerState> state_;
  std::map<std::int32_t, int> in_flight_;  ///< Requests by broker.
  std::size_t turn_ = 0;                   ///< Who is asked first, so that no partition starves.
  Identity identity_;
  bool asks_identity_ = false;
  int identity_failures_ = 0;
  TimePoint identity_retry_at_;
  std::optional<IoLoop::TimerId> timer_;
  int listener_ = 0;
  bool is_pumping_ = false;
  bool is_stopped_ = false;
};

}  // namespace tidelog::core
