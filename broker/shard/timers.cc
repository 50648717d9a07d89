#include "broker/shard/timers.h"

#include <algorithm>
#include <bit>

namespace tidelog::broker {

void Timer::cancel() {
  if (wheel_ != nullptr) wheel_->unlink(*this);
}

Timers::Timers(Loop& loop) : loop_(loop), done_tick_(tick_of(loop.now())) {
  loop_.on_alarm([this] { on_alarm(); });
}

Timers::~Timers() {
  for (Timer* head : slots_) {
    while (head != nullptr) {
      head->wheel_ = nullptr;
      head = head->next_;
    }
  }
}

void Timers::arm(Timer& timer, SteadyTime deadline) {
  timer.cancel();
  if (armed_ == 0) done_tick_ = tick_of(loop_.now());
  // One tick later than the deadline's own, so that it never fires early.
  const std::int64_t tick = std::max(tick_of(deadline), done_tick_) + 1;
  timer.deadline_ = deadline;
  timer.slot_ = static_cast<std::size_t>(tick) % kSlots;
  timer.wheel_ = this;
  timer.previous_ = nullptr;
  timer.next_ = slots_[timer.slot_];
  if (timer.next_ != nullptr) timer.next_->previous_ = &timer;
  slots_[timer.slot_] = &timer;
  occupied_[timer.slot_ / 64] |= 1ULL << (timer.slot_ % 64);
  ++armed_;
  schedule_next();
}

void Timers::unlink(Timer& timer) {
  if (timer.previous_ != nullptr) timer.previous_->next_ = timer.next_;
  if (timer.next_ != nullptr) timer.next_->previous_ = timer.previous_;
  if (slots_[timer.slot_] == &timer) slots_[timer.slot_] = timer.next_;
  if (slots_[timer.slot_] == nullptr) occupied_[timer.slot_ / 64] &= ~(1ULL << (timer.slot_ % 64));
  timer.wheel_ = nullptr;
  --armed_;
}

void Timers::on_alarm() {
  const SteadyTime now = loop_.now();
  const std::int64_t now_tick = tick_of(now);
  const std::int64_t from = std::max(done_tick_ + 1, now_tick - static_cast<std::int64_t>(kSlots) + 1);
  done_tick_ = std::max(done_tick_, now_tick);
  for (std::int64_t tick = from; tick <= now_tick; ++tick) expire_slot(static_cast<std::size_t>(tick) % kSlots, now);
  schedule_next();
}

void Timers::expire_slot(std::size_t slot, SteadyTime now) {
  // A job may arm or cancel any timer, so the slot is read afresh after each; what is armed by a job lies beyond `done_tick_`.
  Timer* timer = slots_[slot];
  while (timer != nullptr) {
    if (timer->deadline_ >= now) {  // A later lap of the wheel.
      timer = timer->next_;
      continue;
    }
    unlink(*timer);
    timer->on_expiry_();
    timer = slots_[slot];
  }
}

void Timers::schedule_next() {
  if (armed_ == 0) return;
  // The next occupied slot after the last one looked at; a full lap is the longest sleep.
  for (std::size_t step = 1; step <= kSlots;) {
    const std::size_t slot = static_cast<std::size_t>(done_tick_ + static_cast<std::int64_t>(step)) % kSlots;
    const std::uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word != 0) {
      const auto tick = done_tick_ + static_cast<std::int64_t>(step) + std::countr_zero(word);
      loop_.set_alarm(tick * kTick);
      return;
    }
    step += 64 - slot % 64;
  }
}

}  // namespace tidelog::broker
