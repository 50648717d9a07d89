#pragma once

#include "broker/quota/fair_line.h"
#include "broker/shard/signal.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// Bytes a shard may hold for its connections. Empty: whoever asks waits, and its socket is not read meanwhile.
/// The last quarter is for small takers, and half of it for the smallest alone, so that a few peers with large requests cannot keep
/// everybody else waiting. Those who wait for it stand in one line, in which those are first whose address was given least lately
/// (`FairLine`), and of one address who came first: a connection waits for one thing at a time, so that is its connections in turn, and new
/// ones pass nobody. Whoever comes while others wait stands in it too. Somebody who asks for less may be served before one who asks for
/// much and deserves it more only from the part that is not for those who ask for so much: else a crowd of small ones would keep it waiting
/// for ever. And a little is lent out of turn to those whose request is whole with it, for what they hold comes back soon: else a crowd
/// that holds the beginnings of requests would wait for each other. Or, where nobody stands in line, they are all told when something came
/// back. Thread: one loop.
class Budget {
 public:
  static constexpr std::size_t kSmallBytes = 64 * 1024;
  /// How much is asked for at once: the less, the more of all may be used with it.
  enum class Portion : std::uint8_t { small, modest, large };
  class Wait;

  explicit Budget(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  /// True and taken, or false and nothing changed. `instead_of` bytes, taken before, are given back soon after: they do not count here.
  /// Whoever has nobody beside it may exceed the limit, or a request near the limit could never be read.
  [[nodiscard]] bool try_take(std::size_t bytes, std::size_t instead_of = 0) {
    if (is_waited_for() || !has_room(bytes, instead_of)) return false;
    take(bytes);
    return true;
  }
  [[nodiscard]] bool has_room(std::size_t bytes, std::size_t instead_of = 0) const {
    return fits({.bytes = bytes, .portion = portion_of(bytes)}, used_bytes_ - instead_of);
  }

  /// Taken whether there is room or not: for what is there already.
  void take(std::size_t bytes) { change(0, bytes); }
  /// What was taken at once is given back at once.
  void give(std::size_t bytes) { change(bytes, 0); }
  /// What was taken at once grows or shrinks.
  void change(std::size_t from_bytes, std::size_t to_bytes) {
    used_bytes_ += to_bytes - from_bytes;
    in_portions(portion_of(from_bytes)) -= from_bytes;
    in_portions(portion_of(to_bytes)) += to_bytes;
    if (to_bytes >= from_bytes) return;
    if (is_waited_for()) hand_out();
    for (Signal* told : std::exchange(told_, {})) told->notify();
  }

  /// Notifies `told` once when bytes came back. Call `stop_waiting` before it dies.
  void notify_when_given(Signal& told) { told_.push_back(&told); }
  void stop_waiting(Signal& told) { std::erase(told_, &told); }

  [[nodiscard]] bool is_waited_for() const { return waiting_ > 0; }
  /// Whether nobody who waits would have room though all came back but so many bytes, which are held by those who wait themselves.
  [[nodiscard]] bool is_stuck_with(std::size_t bytes);

  [[nodiscard]] std::size_t limit_bytes() const { return limit_bytes_; }
  /// What those may use together who take much at once.
  [[nodiscard]] std::size_t most_for_large() const { return most_for(Portion::large); }
  [[nodiscard]] std::size_t used_bytes() const { return used_bytes_; }
  /// Time to do without what is merely convenient.
  [[nodiscard]] bool is_scarce() const { return used_bytes_ > limit_bytes_ / 2; }
  [[nodiscard]] bool is_exceeded() const { return used_bytes_ > limit_bytes_; }

 private:
  static constexpr std::size_t kModestShare = 16;  ///< Up to this part of all, it is not much at once.
  static constexpr std::size_t kKeptShare = 8;     ///< So much is kept for each of the smaller portions.
  static constexpr std::size_t kLentShare = 16;    ///< So much is lent out of turn.
  static constexpr std::size_t kPortions = 3;

  /// In which order lines are looked at; whoever stands in one may pass those who have no room in the ones behind it.
  enum class Queue : std::uint8_t { ends, small, modest, large, beginnings };
  static constexpr std::size_t kQueues = 5;

  struct Wish {
    std::size_t bytes = 0;
    Portion portion = Portion::small;
  };
  [[nodiscard]] Portion portion_of(std::size_t bytes) const {
    if (bytes <= kSmallBytes) return Portion::small;
    return bytes <= limit_bytes_ / kModestShare ? Portion::modest : Portion::large;
  }
  [[nodiscard]] std::size_t& in_portions(Portion portion) { return in_portions_[static_cast<std::size_t>(portion)]; }
  [[nodiscard]] std::size_t most_for(Portion portion) const {
    return limit_bytes_ - static_cast<std::size_t>(portion) * (limit_bytes_ / kKeptShare);
  }
  [[nodiscard]] bool fits(const Wish& wish, std::size_t others) const {
    return others == 0 || others + wish.bytes <= most_for(wish.portion);
  }
  void line_up(Wait& wait);
  void leave(const Wait& wait);
  void hand_out();
  void lend_to(Wait& wait);
  void give_to(Wait& wait);
  [[nodiscard]] FairLine<Wait>& line_of(const Wait& wait);
  [[nodiscard]] Wait* first_of(std::size_t queues);
  [[nodiscard]] bool may_have(const Wait& wait) const;
  [[nodiscard]] bool may_pass(const Wait& wait, const Wait& blocked);
  [[nodiscard]] bool had_much(const Wait& wait);

  std::size_t limit_bytes_;
  std::size_t used_bytes_ = 0;
  std::array<std::size_t, kPortions> in_portions_{};  ///< Used bytes, by how many were taken at once.
  std::size_t waiting_ = 0;
  std::uint64_t places_ = 0;
  std::array<FairLine<Wait>, kQueues> lines_;
  std::size_t lent_bytes_ = 0;
  SpentLately had_;  ///< By address, of what was given to those who waited.
  std::vector<Signal*> told_;
};

/// A place in the line of a budget, for all that somebody waits for until it has everything it wants; it stands there while it asks for
/// something. What it was given and nobody took goes back with it, and what it was lent out of turn is lent until then.
/// Life: not longer than the signal that it notifies, which a coroutine's frame may be.
class Budget::Wait {
 public:
  struct Who {
    TurnTaker taker;
    Signal& woken;  ///< When it was given what it asked for.
    const Loop& loop;
  };
  struct Want {
    std::size_t bytes = 0;
    std::size_t instead_of = 0;  ///< As of `try_take`.
    enum class For : std::uint8_t {
      itself,
      beginning,  ///< More will be needed: it may use no more of all than those who ask for much.
      end,        ///< What was begun is whole with it.
    } is_for = For::itself;
    bool operator==(const Want&) const = default;
  };

  Wait(std::shared_ptr<Budget> budget, const Who& who)
      : taker(who.taker), number(++budget->places_), budget_(std::move(budget)), woken_(who.woken), loop_(who.loop) {}
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() {
    budget_->lent_bytes_ -= lent_bytes_;
    leave_line();
    if (has_it_) budget_->give(want_.bytes);
  }

  /// What it wants next. It may be there at once: look before you wait.
  void ask(const Want& want);
  /// True if it was given what it asked for, which is the caller's from now on.
  [[nodiscard]] bool take() { return std::exchange(has_it_, false); }

  const TurnTaker taker;
  const std::uint64_t number;

 private:
  friend class Budget;
  void leave_line();
  [[nodiscard]] Portion portion() const { return want_.is_for == Want::For::beginning ? Portion::large : budget_->portion_of(want_.bytes); }
  [[nodiscard]] Queue queue() const {
    if (want_.is_for == Want::For::beginning) return Queue::beginnings;
    const Portion mine = portion();
    const bool is_end = want_.is_for == Want::For::end && mine == Portion::small;
    return is_end ? Queue::ends : static_cast<Queue>(1 + static_cast<std::size_t>(mine));
  }
  [[nodiscard]] std::size_t more_bytes() const { return want_.bytes - std::min(want_.bytes, want_.instead_of); }

  std::shared_ptr<Budget> budget_;
  Signal& woken_;
  const Loop& loop_;
  Want want_;
  bool is_in_line_ = false;
  bool has_it_ = false;
  std::size_t lent_bytes_ = 0;
};

/// Bytes of a budget that go back with it. Thread: the budget's loop.
class BudgetShare {
 public:
  BudgetShare() = default;
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;
  BudgetShare& operator=(BudgetShare&& other) noexcept {
    release();
    budget_ = std::move(other.budget_);
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }
  ~BudgetShare() { release(); }

  /// Grows or shrinks to `bytes`; false, with nothing changed, if the budget lacks them.
  [[nodiscard]] bool try_resize(const std::shared_ptr<Budget>& budget, std::size_t bytes) {
    if (bytes > bytes_ && (budget->is_waited_for() || !budget->has_room(bytes - bytes_))) return false;
    resize(budget, bytes);
    return true;
  }
  /// The same for what is there already.
  void resize(const std::shared_ptr<Budget>& budget, std::size_t bytes) {
    budget_ = budget;
    budget->change(std::exchange(bytes_, bytes), bytes);
  }
  void release() {
    if (bytes_ > 0) budget_->give(std::exchange(bytes_, 0));
  }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<Budget> budget_;
  std::size_t bytes_ = 0;
};

}  // namespace tidelog::broker
