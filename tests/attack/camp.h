#pragma once

#include "tests/attack/sieges.h"

#include <string_view>
#include <vector>

namespace tidelog::attack {

/// Where a siege starts from: how its crowds come, what is expected of them, and where that is noted. Thread: one.
class Camp {
 public:
  Camp(const Battlefield& field, Tally& tally) : target_(field.target), known_(field.known), deadlines_(field.deadlines), tally_(tally) {}

  [[nodiscard]] const Knowledge& known() const { return known_; }
  [[nodiscard]] const Deadlines& deadlines() const { return deadlines_; }
  [[nodiscard]] Tally& tally() { return tally_; }

  /// Whose crowd, how many, and from 127.`network`.x.1 on.
  struct Call {
    const char* family;
    std::size_t count = 0;
    std::uint8_t network = 0;
    int receive_buffer = 0;
    std::size_t per_address = 200;
  };
  /// Those that the broker let in: each has answered once. Too few of them are noted.
  std::vector<Socket> crowd(const Call& call);
  /// All ask one thing at once. How many were answered.
  static std::size_t ask_each(std::vector<Socket>& sockets, std::string_view request, Clock::time_point until);
  /// Notes it unless most of `of` did what the attack is about.
  void require_most(const char* family, std::size_t came, std::size_t of, const std::string& what);

  /// All must be closed by then; those that are not hung.
  void expect_closed(std::vector<Socket>& sockets, const char* family, Clock::time_point until);
  /// Each is probed and must answer or have been closed.
  void expect_alive_or_closed(std::vector<Socket>& sockets, const char* family);
  /// Reads so many answers, which come in the order of their correlation ids: 0, 1, 2 ... The last one is in `answer` then.
  static Tally::Outcome drain(Socket& socket, std::size_t answers, Clock::time_point until, std::string& answer);

 private:
  Target target_;
  const Knowledge& known_;
  Deadlines deadlines_;
  Tally& tally_;
};

/// Sends what fits of what each has left, and forgets it for those whose peer is gone; false once nobody has any.
bool send_to_all(std::vector<Socket>& sockets, std::vector<std::string_view>& left);
/// Waits until one that has something left can send it.
void wait_to_write(const std::vector<Socket>& sockets, const std::vector<std::string_view>& left, Clock::time_point until);

}  // namespace tidelog::attack
