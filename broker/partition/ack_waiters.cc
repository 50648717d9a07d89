#include "broker/partition/ack_waiters.h"

namespace tidelog::broker {

void AckWaiters::insert(AckWaiter& waiter, Offset needs, LeaderEpoch epoch) {
  waiter.needs_ = needs;
  waiter.epoch_ = epoch;
  AckWaiter* before = last_;
  while (before != nullptr && before->needs_ > needs) before = before->previous_;
  waiter.previous_ = before;
  waiter.next_ = before == nullptr ? first_ : before->next_;
  (waiter.next_ == nullptr ? last_ : waiter.next_->previous_) = &waiter;
  (before == nullptr ? first_ : before->next_) = &waiter;
}

AckWaiter& AckWaiters::take_first() {
  AckWaiter& waiter = *first_;
  first_ = waiter.next_;
  (first_ == nullptr ? last_ : first_->previous_) = nullptr;
  waiter.next_ = nullptr;
  return waiter;
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
