#pragma once

#include "broker/logging/rate_limited.h"
#include "broker/metadata/machine.h"
#include "broker/reserve.h"
#include "broker/shard/durability.h"
#include "broker/shard/signal.h"
#include "broker/shard/turns.h"
#include "proto/record/builder.h"
#include "proto/record/reader.h"
#include "storage/log/log.h"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// Carries committed metadata into the broker: makes and removes partitions, then shows every shard the new image.
class MetadataListener {
 public:
  /// Called once per commit, in order, with what was true before and after. The commit is answered when this returns.
  virtual asio::awaitable<void> on_commit(std::shared_ptr<const Image> before, std::shared_ptr<const Image> after) = 0;
  /// Why partitions of a committed topic cannot be used yet, for people; empty if they can.
  [[nodiscard]] virtual std::string why_not_ready(const Uuid& topic) const = 0;
  /// Tries again what a commit asked for and the disk refused.
  virtual asio::awaitable<void> make_ready(std::shared_ptr<const Image> image) = 0;

 protected:
  ~MetadataListener() = default;
};

/// Where and why the metadata log could not be followed.
struct ReplayError {
  Errc code = Errc::corrupt;
  Offset offset{};
};

/// Drives the metadata machine with its log: decide, append and apply in one step, answer when it is durable. A single node commits alone;
/// a quorum takes this place later and hands the same records to the same machine.
///
/// Thread: the first shard's loop.
/// Crash: the log is replayed; what was applied but not yet synced was told to nobody (R8).
/// Invariant: changes are made one at a time, each on the image that the one before left.
class Controller final : public DurableLog {
 public:
  /// `reserve` is what changes are written into that make room on a full disk.
  Controller(Shard& shard, Durability& durability, std::unique_ptr<storage::Log> log, Reserve& reserve, MetadataListener& listener);
  ~Controller();

  /// Rebuilds the machine from the log. Fails on a record this version does not know: guessing would lose topics.
  Result<void, ReplayError> replay();
  [[nodiscard]] const MetadataMachine& machine() const { return machine_; }
  /// Topics whose deletion `replay` came across: what is still on disk of them may go. Each call but the first gives nothing.
  [[nodiscard]] std::set<Uuid> take_deleted_topics() { return std::exchange(deleted_topics_, {}); }

  /// At start: gives a new cluster its id and registers this broker.
  asio::awaitable<Result<void>> found(std::string cluster_id, RegisterBrokerRecord self);

  /// At start: where partitions were found.
  asio::awaitable<Result<void>> assign(const std::vector<MetadataRecord>& found) { return append_durably(found); }

  /// Asks the machine and commits what it says. `decide(const MetadataMachine&)` returns a decision with `records`; it runs when the
  /// changes before it are committed, and its answer is returned when its own are. If they cannot be written, or what they ask for cannot
  /// be made, the verdicts say so.
  template <class Decide>
  auto change(Decide decide) -> asio::awaitable<std::invoke_result_t<Decide, const MetadataMachine&>> {
    const Turns::Turn turn = co_await turns_.take();
    auto decision = decide(std::as_const(machine_));
    if (decision.records.empty()) co_return decision;
    if (const Result<void> committed = co_await commit(decision.records); !committed) {
      refuse(decision, why_not_written(committed.error()));
    } else {
      refuse_not_ready(decision);
    }
    co_return decision;
  }

  /// What the disk refused earlier is tried again.
  asio::awaitable<void> make_ready();

  /// A producer id that was never handed out before, nor will be again. Fails when that cannot be written down.
  asio::awaitable<Result<ProducerId>> next_producer_id(NodeId node, std::int64_t broker_epoch);

  /// The log and what it is called, for checkpoints.
  [[nodiscard]] TopicPartition id() const { return {.topic_id = log_->identity().topic_id, .partition = {0}}; }
  [[nodiscard]] storage::Log& log() { return *log_; }

  /// Always its files: what they say decides which other logs there are, before the journal is looked at.
  [[nodiscard]] Pending pending() const override { return {.needs_file_sync = true}; }
  storage::SyncTicket begin_sync(storage::SyncMeans) override { return log_->begin_sync(); }
  void finish_sync(const storage::SyncTicket& ticket) override;

 private:
  asio::awaitable<Result<void>> append_durably(const std::vector<MetadataRecord>& records);
  asio::awaitable<Result<void>> commit(const std::vector<MetadataRecord>& records);
  Result<void> replay_batch(const proto::BatchView& batch, proto::RecordReader& reader);
  Result<void> append_and_apply(const std::vector<MetadataRecord>& records);
  Result<Offset> append(const std::vector<MetadataRecord>& records);
  static std::string why_not_written(Errc error);
  template <class Decision>
  void refuse_not_ready(Decision& decision) const;

  std::set<Uuid> deleted_topics_;
  Shard& shard_;
  Durability& durability_;
  std::unique_ptr<storage::Log> log_;
  Reserve& reserve_;
  MetadataListener& listener_;
  MetadataMachine machine_;
  proto::BatchBuilder builder_;
  Offset durable_end_;
  Signal durable_;
  Turns turns_;
  RateLimited complaints_;
  ProducerId next_id_{0};
  ProducerId end_of_block_{0};
};

template <class Decision>
void Controller::refuse_not_ready(Decision& decision) const {
  if constexpr (std::is_same_v<Decision, TopicsDecision>) {
    for (TopicVerdict& verdict : decision.verdicts) {
      if (verdict.error == ErrorCode::none) refuse(verdict, listener_.why_not_ready(verdict.id));
    }
  }
}

}  // namespace tidelog::broker
