#include "broker/shard/budget.h"

#include <tuple>

namespace tidelog::broker {
namespace {

/// As what a byte counts where times are counted: a kilobyte or more says something about who took it.
constexpr SpentLately::Time kByte{SpentLately::kNothing / 1024};

SpentLately::Time counted(std::size_t bytes) { return static_cast<SpentLately::Time::rep>(bytes) * kByte; }

}  // namespace

void Budget::Wait::ask(const Want& want) {
  if (has_it_ || (is_in_line_ && want == want_)) return;
  leave_line();
  want_ = want;
  is_in_line_ = true;
  budget_->line_up(*this);
}

void Budget::Wait::leave_line() {
  if (std::exchange(is_in_line_, false)) budget_->leave(*this);
}

void Budget::line_up(Wait& wait) {
  line_of(wait).add(wait, {.address = had_.score(wait.taker.address, wait.loop_.now())});
  ++waiting_;
  hand_out();
}

/// Those behind it may have room though it had none.
void Budget::leave(const Wait& wait) {
  line_of(wait).remove(wait);
  if (--waiting_ > 0) hand_out();
}

FairLine<Budget::Wait>& Budget::line_of(const Wait& wait) { return lines_[static_cast<std::size_t>(wait.queue())]; }

/// Goes down the line. Once somebody has no room, only those go on who want less.
void Budget::hand_out() {
  std::size_t queues = kQueues;
  const Wait* blocked = nullptr;
  while (Wait* const next = first_of(queues)) {
    if (!may_have(*next) || (blocked != nullptr && !may_pass(*next, *blocked))) {
      blocked = next;
      queues = static_cast<std::size_t>(next->queue());
      continue;
    }
    if (blocked != nullptr && blocked->queue() == Queue::small) lend_to(*next);
    give_to(*next);
  }
}

bool Budget::may_have(const Wait& wait) const {
  return fits({.bytes = wait.want_.bytes, .portion = wait.portion()}, used_bytes_ - wait.want_.instead_of);
}

/// Whether it may go before one who has no room and deserves it more. Who holds something already may, unless its address had much lately:
/// what it holds comes back no sooner than the rest came, and if all such waited, they would hold all of it between them.
bool Budget::may_pass(const Wait& wait, const Wait& blocked) {
  if (blocked.queue() == Queue::small) return lent_bytes_ == 0 || lent_bytes_ + wait.more_bytes() <= limit_bytes_ / kLentShare;
  const bool is_of_its_address = wait.taker.address == blocked.taker.address;
  if (wait.want_.instead_of > 0) return is_of_its_address || !had_much(wait);
  if (blocked.queue() == Queue::beginnings) return true;
  return in_portions_[static_cast<std::size_t>(wait.portion())] + wait.want_.bytes <= limit_bytes_ / kKeptShare;
}

bool Budget::had_much(const Wait& wait) { return had_.of(wait.taker.address, wait.loop_.now()) > counted(limit_bytes_ / kKeptShare); }

void Budget::lend_to(Wait& wait) {
  wait.lent_bytes_ += wait.more_bytes();
  lent_bytes_ += wait.more_bytes();
}

void Budget::give_to(Wait& wait) {
  line_of(wait).remove(wait);
  --waiting_;
  wait.is_in_line_ = false;
  wait.has_it_ = true;
  take(wait.want_.bytes);
  const SpentLately::Score score = had_.add(wait.taker.address, counted(wait.more_bytes()), wait.loop_.now());
  for (FairLine<Wait>& each : lines_) each.rescore_address(wait.taker, score);
  wait.woken_.notify();
}

/// Who deserves it most of those in the first `queues`. Null: nobody is there.
Budget::Wait* Budget::first_of(std::size_t queues) {
  const auto claim = [this](const Wait& wait) { return std::tuple(had_.score(wait.taker.address, wait.loop_.now()), wait.number); };
  Wait* first = nullptr;
  for (std::size_t i = 0; i < queues; ++i) {
    if (lines_[i].empty()) continue;
    Wait& own = lines_[i].first();
    if (first == nullptr || claim(own) < claim(*first)) first = &own;
  }
  return first;
}

bool Budget::is_stuck_with(std::size_t bytes) {
  const auto has_room = [this, bytes](FairLine<Wait>& one) {
    if (one.empty()) return false;
    const Wait& first = one.first();
    return fits({.bytes = first.want_.bytes, .portion = first.portion()}, bytes - std::min(bytes, first.want_.instead_of));
  };
  return is_waited_for() && std::ranges::none_of(lines_, has_room);
}

}  // namespace tidelog::broker
