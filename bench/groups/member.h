#pragma once

#include "proto/base/types.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace tidelog::bench {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

/// How the members of one run behave.
struct GroupPlan {
  std::string group;
  std::string topic;
  std::int32_t partitions = 0;
  Milliseconds session{1000};
  Milliseconds heartbeat{100};  ///< Of the classic protocol; the broker tells the others.
};

/// One member of a group, without its connection: what it asks next, and what it makes of the answer. One request at a time.
class Member {
 public:
  explicit Member(const GroupPlan& plan) : plan_(plan) {}
  virtual ~Member() = default;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  /// The next request, as a whole frame. Call when `due` is reached and none is under way.
  virtual std::vector<std::byte> next() = 0;
  virtual void hear(Bytes payload, Clock::time_point now) = 0;
  /// Its next request says that it goes; `is_gone` once that was answered.
  void leave() { leaves_ = true; }

  [[nodiscard]] Clock::time_point due() const { return leaves_ ? Clock::time_point{} : due_; }
  [[nodiscard]] bool is_leaving() const { return leaves_; }
  [[nodiscard]] bool is_gone() const { return is_gone_; }
  /// It has what the group last decided, and works on it.
  [[nodiscard]] bool is_settled() const { return is_settled_; }
  /// Generation, or member epoch.
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }
  [[nodiscard]] std::size_t partitions() const { return partitions_; }
  /// The longest that it may not have worked on partitions that it had before and has after, since `forget_pauses`.
  [[nodiscard]] Clock::duration longest_pause() const { return longest_pause_; }
  void forget_pauses() { longest_pause_ = {}; }

 protected:
  const GroupPlan& plan_;
  Clock::time_point due_{};
  bool leaves_ = false;        ///< It will say so.
  bool says_goodbye_ = false;  ///< It has said so, and waits for the answer.
  bool is_gone_ = false;
  bool is_settled_ = false;
  std::int32_t epoch_ = -1;
  std::size_t partitions_ = 0;
  Clock::duration longest_pause_{};
};

/// A coordinator that is being looked for or loaded: asked again after a while.
inline bool is_for_later(std::int16_t error) {
  constexpr std::int16_t kLoading = 14, kNotAvailable = 15, kNotCoordinator = 16;
  return error == kLoading || error == kNotAvailable || error == kNotCoordinator;
}
inline constexpr Milliseconds kPause{20};

}  // namespace tidelog::bench
