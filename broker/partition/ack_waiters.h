#pragma once

#include "broker/env/env.h"
#include "proto/base/types.h"
#include "proto/error_code.h"

#include <chrono>
#include <optional>

namespace tidelog::broker {

class AckWaiters;

/// Something that is answered once every record below `needs()` is committed. Lives in its owner, in at most one list.
class AckWaiter {
 public:
  AckWaiter() = default;
  AckWaiter(const AckWaiter&) = delete;
  AckWaiter& operator=(const AckWaiter&) = delete;
  /// `none`: committed. Anything else: unknown whether it will be. Called once, after it left the list.
  virtual void on_outcome(ErrorCode outcome) = 0;
  [[nodiscard]] Offset needs() const { return needs_; }

  std::chrono::milliseconds patience{};  ///< How long it waits. Set before it is inserted.

 protected:
  ~AckWaiter() = default;

 private:
  friend class AckWaiters;
  Offset needs_;
  LeaderEpoch epoch_;
  std::optional<SteadyTime> deadline_;
  AckWaiter* previous_ = nullptr;
  AckWaiter* next_ = nullptr;
};

/// Waiters of one partition, ordered by the offset they need. Nothing is allocated; nearly every insertion is at the end.
class AckWaiters {
 public:
  AckWaiters() = default;
  AckWaiters(const AckWaiters&) = delete;
  AckWaiters& operator=(const AckWaiters&) = delete;

  void insert(AckWaiter& waiter, Offset needs, LeaderEpoch epoch);
  /// Answers all that need no more than `high_watermark`. One that waited under another leader epoch learns NOT_LEADER_OR_FOLLOWER: what it
  /// wrote may have been replaced (R3).
  void release_through(Offset high_watermark, LeaderEpoch epoch);
  /// Answers with REQUEST_TIMED_OUT those whose patience is about to end: a tenth of it is left, at most half a second. It counts from the
  /// first call that finds them waiting, so that nobody looks at a clock for those that wait briefly, and everybody has at least the time
  /// between two calls.
  void expire(SteadyTime now);
  /// Answers all, with one error.
  void fail_all(ErrorCode error);
  [[nodiscard]] bool empty() const { return first_ == nullptr; }

 private:
  AckWaiter& take_first();
  void unlink(AckWaiter& waiter);

  AckWaiter* first_ = nullptr;
  AckWaiter* last_ = nullptr;
};

}  // namespace tidelog::broker
