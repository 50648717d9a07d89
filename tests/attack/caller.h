#pragma once

#include "tests/attack/messages.h"
#include "tests/attack/socket.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace tidelog::attack {

/// One connection on which a client asks one thing after the other, each of which must be answered within a bound. Thread: one; the counts
/// from any.
class Caller {
 public:
  Caller(Target target, Milliseconds bound) : target_(target), bound_(bound) {}

  /// Of all that is asked: flexible or not, and by name.
  static constexpr std::int16_t kVersion = 9;

  /// The answer is a view of what came last. False, and a complaint: there is none.
  template <class Request, class Response>
  bool ask(const Request& request, Response& response, const std::string& what) {
    const std::int32_t correlation = ++correlation_;
    if (!exchange(framed(request, kVersion, correlation), correlation, what)) return false;
    return read_answer(answer_, kVersion, response) || fail(what + ": the answer cannot be read");
  }
  /// Complains, and begins anew with another connection. Always false.
  bool fail(const std::string& why);

  [[nodiscard]] Milliseconds bound() const { return bound_; }
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] Milliseconds slowest() const { return slowest_; }
  [[nodiscard]] const std::string& slowest_what() const { return slowest_what_; }
  /// What failed first.
  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  bool exchange(const std::string& request, std::int32_t correlation, const std::string& what);

  Target target_;
  Milliseconds bound_;
  Socket socket_;
  std::string answer_;
  std::string rest_;
  std::int32_t correlation_ = 0;
  std::atomic<std::uint64_t> requests_ = 0;
  std::atomic<std::uint64_t> failures_ = 0;
  Clock::time_point began_ = Clock::now();
  Milliseconds slowest_{};
  std::string slowest_what_;
  std::vector<std::string> complaints_;
};

}  // namespace tidelog::attack
