#pragma once

#include "cli/wire/conversation.h"
#include "cli/wire/packet.h"

#include <list>
#include <map>

namespace tidelog::cli {

/// Sorts the packets of a capture into connections, and prints what is said in each.
/// Invariant: follows at most `kMostConnections` at a time; whoever was silent longest goes for a new one.
class CaptureDecoder {
 public:
  static constexpr std::size_t kMostConnections = 1024;

  /// With a port, connections from and to that port alone.
  CaptureDecoder(WireOutput output, std::optional<std::uint16_t> port) : output_(output), port_(port) {}

  void take(const CapturedPacket& packet);
  void finish();

 private:
  /// Both ends, the smaller first.
  using Key = std::pair<Endpoint, Endpoint>;

  struct Connection {
    Connection(const Key& ends, WireOutput output)
        : key(ends),
          streams{TcpStream(output.kept), TcpStream(output.kept)},
          conversation({ends.first.text(), ends.second.text()}, output) {}
    Key key;
    std::array<TcpStream, 2> streams;
    Conversation conversation;
    std::array<bool, 2> has_ended{};
  };
  using Place = std::list<Connection>::iterator;

  std::optional<Place> connection_of(const Key& key, const TcpPacket& packet);
  void end(Place place);

  WireOutput output_;
  std::optional<std::uint16_t> port_;
  std::list<Connection> connections_;  ///< The one heard last at the front.
  std::map<Key, Place> places_;
};

}  // namespace tidelog::cli
