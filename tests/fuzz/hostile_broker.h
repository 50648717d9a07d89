#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace tidelog::fuzz {

/// The only broker there is: every socket of this process that connects, wherever to, is connected to it, and no packet leaves the machine.
/// It answers what a script says, in the order in which it is asked, and closes when the script is over. The script is pieces, each a kind,
/// a size in two bytes, and bytes: an answer's body under the right number, a whole frame, bytes that are none, or a body and then the end.
/// Thread: any.
class HostileBroker {
 public:
  static HostileBroker& the_only();

  struct Manners {
    bool lists_versions = true;      ///< Answers ApiVersions by itself, as it should.
    std::int16_t versions_back = 0;  ///< So many below the newest of each request.
  };
  void follow(Bytes script, Manners manners);
  /// Whether the script is over.
  [[nodiscard]] bool is_done();

  /// What the client's socket calls do instead of calling the system.
  int accept(int client);
  void receive(int client, Bytes bytes);
  void leave(int client);

 private:
  struct Talk {
    int socket = -1;
    std::vector<std::byte> received;
  };
  void answer(Talk& talk, Bytes request);
  static void tell(Talk& talk, Bytes bytes);
  static void hang_up(Talk& talk);

  std::mutex mutex_;
  Bytes script_;
  Manners manners_;
  std::map<int, Talk> talks_;  ///< By the client's socket.
};

}  // namespace tidelog::fuzz
