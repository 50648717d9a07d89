#pragma once

#include "bench/groups/member.h"
#include "bench/load/socket.h"

#include <functional>
#include <list>
#include <memory>

namespace tidelog::bench {

/// Members of one group, each on a connection of its own, in one thread. Members come, go and are killed between its runs.
class Crowd {
 public:
  explicit Crowd(std::uint16_t port) : port_(port) {}

  Member& add(std::unique_ptr<Member> member);
  /// Its connection is closed, and nothing more is said of it.
  void kill(const Member& member);
  /// Serves all of them until nobody has anything to do but heartbeats and `is_done` holds, which is looked at after each turn. Dies after
  /// `patience`. Returns how long that took.
  Clock::duration run_until(const std::function<bool()>& is_done, Milliseconds patience);
  /// The same until every member is settled at one epoch and all partitions are somebody's.
  Clock::duration run_until_stable(std::size_t partitions, Milliseconds patience);

  /// Serves all of them for so long.
  void run_for(Clock::duration time);

  [[nodiscard]] std::size_t size() const { return seats_.size(); }
  /// The last to come of those that have partitions.
  [[nodiscard]] Member& busy();
  /// Everybody is to go.
  void leave();
  [[nodiscard]] Clock::duration longest_pause() const;
  void forget_pauses();

 private:
  struct Seat {
    std::unique_ptr<Member> member;
    std::unique_ptr<Socket> socket;
    std::vector<std::byte> to_send;
    std::size_t sent = 0;
    bool waits = false;  ///< For an answer.
  };

  void serve(Seat& seat, Clock::time_point now);
  void wait(Clock::time_point until);
  [[nodiscard]] bool is_stable(std::size_t partitions) const;

  std::uint16_t port_;
  std::list<Seat> seats_;
};

}  // namespace tidelog::bench
