#pragma once

#include "client/producer/pending_batch.h"
#include "proto/error_code.h"

#include <deque>
#include <memory>
#include <optional>

namespace tidelog::core {

/// What a broker's answer, or the lack of one, means for a batch.
enum class Verdict : std::uint8_t {
  written,
  retry,   ///< Stays in the lane; it is taken again after its pause.
  split,   ///< Too large as one: two halves stand in its place.
  failed,  ///< For good.
  fatal,   ///< And nothing the producer sends can be trusted to be right any more.
};

/// The batches of one partition that are on their way, and the promise that they are written once and in order.
/// Every batch gets the next sequence numbers when it is first taken. The broker accepts a batch only after the one before it, so a lost
/// one makes those behind it bounce with OUT_OF_ORDER_SEQUENCE_NUMBER, and they are sent again. That holds only once it has accepted one:
/// a broker that knows nothing of a producer takes any number first, so the first batch under an identity goes alone. When a batch failed
/// for good its numbers leave a hole: once every batch behind it has its answer, those that bounced are numbered anew, under a new
/// identity. Pure.  Thread: the loop. Invariant: `unresolved_` is ordered by sequence; batches not in flight are taken from the front.
class Lane {
 public:
  explicit Lane(bool is_idempotent) : is_idempotent_(is_idempotent) {}

  /// Whether a batch may be added: none waits before it and no hole is open.
  [[nodiscard]] bool can_add() const;
  /// Takes a batch over and numbers it.
  void add(std::unique_ptr<PendingBatch> batch);
  /// The batch to send next, marked as in flight; null if there is none now.
  PendingBatch* take(TimePoint now);
  /// The answer for a batch in flight. After `written` the batch leaves by `remove`, after `failed` by `fail`.
  Verdict judge(PendingBatch& batch, ErrorCode code, TimePoint retry_at);
  /// It may or may not have arrived.
  void on_lost(PendingBatch& batch, TimePoint retry_at);
  std::unique_ptr<PendingBatch> remove(PendingBatch& batch);
  /// The same, and nobody will send it again: its numbers are a hole.
  std::unique_ptr<PendingBatch> fail(PendingBatch& batch);
  /// Puts two batches in place of one, which is returned.
  std::unique_ptr<PendingBatch> replace(PendingBatch& batch, std::unique_ptr<PendingBatch> first, std::unique_ptr<PendingBatch> second);
  /// Batches that wait and were made before `limit`.
  [[nodiscard]] std::vector<PendingBatch*> expired(TimePoint limit) const;
  [[nodiscard]] std::vector<PendingBatch*> all() const;

  /// Without one nothing is numbered. Numbers those that bounced off a hole anew.
  void set_identity(Identity identity);
  [[nodiscard]] bool needs_identity() const;
  [[nodiscard]] Identity identity() const { return identity_; }
  /// The batch if it is in flight here.
  [[nodiscard]] PendingBatch* in_flight(std::uint64_t id) const;
  [[nodiscard]] bool empty() const { return unresolved_.empty(); }
  /// When the next pause ends.
  [[nodiscard]] std::optional<TimePoint> next_retry() const;

 private:
  using Place = std::deque<std::unique_ptr<PendingBatch>>::iterator;
  Place find(const PendingBatch& batch);
  /// Behind a hole only those go out that the broker may have: their answer is still to be learnt.
  [[nodiscard]] bool is_held(const PendingBatch& batch) const { return has_hole_ && !batch.was_sent; }
  /// Whether the first batch under this identity is still without an answer.
  [[nodiscard]] bool is_on_trial() const;
  [[nodiscard]] bool has_earlier(const PendingBatch& batch) const;
  Verdict judge_out_of_order(PendingBatch& batch, ErrorCode code);
  void number(PendingBatch& batch);

  bool is_idempotent_;
  Identity identity_;
  std::int32_t next_sequence_ = 0;
  bool has_hole_ = false;
  bool is_established_ = false;  ///< The broker accepted a batch under `identity_`.
  std::deque<std::unique_ptr<PendingBatch>> unresolved_;
};

}  // namespace tidelog::core
