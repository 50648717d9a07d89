#include "broker/partition/ack_waiters.h"

#include <algorithm>
#include <utility>

namespace tidelog::broker {
namespace {

/// Clients give a request up when the time is over that they put into it, and an answer after that reaches nobody.
constexpr SteadyTime kAtMostEarlier = std::chrono::milliseconds(500);

}  // namespace

void AckWaiters::insert(AckWaiter& waiter, Offset needs, LeaderEpoch epoch) {
  waiter.needs_ = needs;
  waiter.epoch_ = epoch;
  waiter.deadline_.reset();
  AckWaiter* before = last_;
  while (before != nullptr && before->needs_ > needs) before = before->previous_;
  waiter.previous_ = before;
  waiter.next_ = before == nullptr ? first_ : before->next_;
  (waiter.next_ == nullptr ? last_ : waiter.next_->previous_) = &waiter;
  (before == nullptr ? first_ : before->next_) = &waiter;
}

AckWaiter& AckWaiters::take_first() {
  AckWaiter& waiter = *first_;
  unlink(waiter);
  return waiter;
}

void AckWaiters::unlink(AckWaiter& waiter) {
  (waiter.previous_ == nullptr ? first_ : waiter.previous_->next_) = waiter.next_;
  (waiter.next_ == nullptr ? last_ : waiter.next_->previous_) = waiter.previous_;
  waiter.previous_ = nullptr;
  waiter.next_ = nullptr;
}

void AckWaiters::expire(SteadyTime now) {
  // Out of the list first: an answer may bring the next request.
  AckWaiters expired;
  for (AckWaiter* waiter = first_; waiter != nullptr;) {
    AckWaiter& one = *std::exchange(waiter, waiter->next_);
    if (!one.deadline_)
      one.deadline_ = now + one.patience - std::min<SteadyTime>(one.patience / 10, kAtMostEarlier);
    else if (*one.deadline_ <= now) {
      unlink(one);
      expired.insert(one, one.needs_, one.epoch_);
    }
  }
  expired.fail_all(ErrorCode::request_timed_out);
}

void AckWaiters::release_through(Offset high_watermark, LeaderEpoch epoch) {
  while (first_ != nullptr && first_->needs_ <= high_watermark) {
    AckWaiter& waiter = take_first();
    waiter.on_outcome(waiter.epoch_ == epoch ? ErrorCode::none : ErrorCode::not_leader_or_follower);
  }
}

void AckWaiters::fail_all(ErrorCode error) {
  while (first_ != nullptr) take_first().on_outcome(error);
}

}  // namespace tidelog::broker
