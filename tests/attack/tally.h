#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace tidelog::attack {

/// What became of the attacks. Nothing counts as stood that was not tried and answered: what was not is told by `unproven`. Thread: any.
class Tally {
 public:
  enum class Outcome : std::uint8_t {
    answered,
    refused,  ///< Answered by an error, where a broker that serves everybody would not.
    closed,   ///< By the broker.
    hung,
    left,      ///< We closed it ourselves; nothing was expected.
    unopened,  ///< There was no connection, so nothing was tried.
  };
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    std::uint64_t refused = 0;
    std::uint64_t closed = 0;
    std::uint64_t hung = 0;
    std::uint64_t left = 0;
    std::uint64_t unopened = 0;
  };
  /// What a family has to come to before it counts as played.
  enum class Expected : std::uint8_t { tried, answered };

  /// `what` is told of what hung or was refused.
  void note(const std::string& family, Outcome outcome, const std::string& what = {});
  /// The family is going to be played.
  void expect(const std::string& family, Expected expected);
  /// Something that the run was to try, and could not.
  void note_unproven(const std::string& family, const std::string& why);

  [[nodiscard]] Counts all() const;
  [[nodiscard]] std::map<std::string, Counts> families() const;
  /// What hung, the first few of each kind.
  [[nodiscard]] std::map<std::string, std::uint64_t> hangs() const;
  /// How often each was refused, the first few kinds.
  [[nodiscard]] std::map<std::string, std::uint64_t> refusals() const;
  /// Of which attacks this run proves nothing, and why.
  [[nodiscard]] std::set<std::string> unproven() const;

 private:
  mutable std::mutex mutex_;
  Counts all_;
  std::map<std::string, Counts> families_;
  std::map<std::string, Expected> expected_;
  std::map<std::string, std::uint64_t> hung_;
  std::map<std::string, std::uint64_t> refused_;
  std::set<std::string> unproven_;
};

/// Of a crowd so many must have come: fewer are another attack than the one that was meant.
constexpr bool is_most(std::size_t came, std::size_t of) { return came * 10 >= of * 9; }

}  // namespace tidelog::attack
