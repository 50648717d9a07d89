#pragma once

#include "broker/quota/name_digest.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <unordered_map>

namespace tidelog::broker {

/// What to do with an entry that was not used for longer than those behind it.
enum class Verdict : std::uint8_t {
  forget,     ///< It says no more than a new one would.
  keep,       ///< It was used lately, and so were all behind it.
  pass_over,  ///< It was not used lately, and still matters.
};

/// A bounded number of entries, each with somebody's digest, in the order of their last use. Whoever looks one up also looks at the two
/// that were not used for longest, so old ones go by themselves and no look-up pays for more than two. Whoever comes when there is no room
/// takes the place of the one that was not used for longest, so nobody is counted together with anybody else.
/// Invariant: at most `most` entries.
template <class Entry>
class LatelyUsed {
 public:
  explicit LatelyUsed(std::size_t most) : most_(most) {}
  LatelyUsed(const LatelyUsed&) = delete;
  LatelyUsed& operator=(const LatelyUsed&) = delete;

  /// The entry of `who`, a new one if there is none. `judge(entry)` says what may go. The reference holds until the next call.
  template <class Judge>
  Entry& use(const NameDigest& who, const Judge& judge) {
    for (int looks = 0; looks < 2 && !used_.empty(); ++looks) {
      if (!look_at_oldest(judge)) break;
    }
    if (const auto found = places_.find(who); found != places_.end()) {
      used_.splice(used_.end(), used_, found->second);
      return found->second->entry;
    }
    if (used_.size() >= most_) forget_oldest();
    used_.push_back({.who = who, .entry = {}});
    places_.emplace(who, std::prev(used_.end()));
    return used_.back().entry;
  }

  [[nodiscard]] std::size_t size() const { return used_.size(); }
  [[nodiscard]] std::size_t most() const { return most_; }

 private:
  struct Used {
    NameDigest who;
    Entry entry;
  };

  /// False: there is nothing to find behind it either.
  template <class Judge>
  bool look_at_oldest(const Judge& judge) {
    const Verdict verdict = judge(used_.front().entry);
    if (verdict == Verdict::forget) forget_oldest();
    if (verdict == Verdict::pass_over) used_.splice(used_.end(), used_, used_.begin());
    return verdict != Verdict::keep;
  }

  void forget_oldest() {
    places_.erase(used_.front().who);
    used_.pop_front();
  }

  std::size_t most_;
  std::list<Used> used_;  ///< The one that was not used for longest first.
  std::unordered_map<NameDigest, typename std::list<Used>::iterator, NameDigestHash> places_;
};

}  // namespace tidelog::broker
