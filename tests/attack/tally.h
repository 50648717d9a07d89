#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

namespace tidelog::attack {

/// What became of the attacks. Thread: any.
class Tally {
 public:
  enum class Outcome : std::uint8_t {
    answered,
    closed,  ///< By the broker.
    hung,
    left,  ///< We closed it ourselves; nothing was expected.
  };
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    std::uint64_t closed = 0;
    std::uint64_t hung = 0;
    std::uint64_t left = 0;
  };

  void note(const std::string& family, Outcome outcome, const std::string& what = {}) {
    const std::scoped_lock lock(mutex_);
    for (Counts* counts : {&families_[family], &all_}) {
      ++counts->sent;
      ++count_of(*counts, outcome);
    }
    if (outcome == Outcome::hung && hung_.size() < kKeptHangs) hung_.emplace(family + ": " + what, all_.sent);
  }

  [[nodiscard]] Counts all() const {
    const std::scoped_lock lock(mutex_);
    return all_;
  }
  [[nodiscard]] std::map<std::string, Counts> families() const {
    const std::scoped_lock lock(mutex_);
    return families_;
  }
  /// What hung, the first few of each kind.
  [[nodiscard]] std::map<std::string, std::uint64_t> hangs() const {
    const std::scoped_lock lock(mutex_);
    return hung_;
  }

 private:
  static std::uint64_t& count_of(Counts& counts, Outcome outcome) {
    switch (outcome) {
      case Outcome::answered: return counts.answered;
      case Outcome::closed: return counts.closed;
      case Outcome::left: return counts.left;
      case Outcome::hung: break;
    }
    return counts.hung;
  }

  static constexpr std::size_t kKeptHangs = 40;
  mutable std::mutex mutex_;
  Counts all_;
  std::map<std::string, Counts> families_;
  std::map<std::string, std::uint64_t> hung_;
};

}  // namespace tidelog::attack
