#include "cli/wire/capture_decoder.h"

namespace tidelog::cli {
namespace {

/// Hands what one side sent on to the conversation.
class SideReader : public StreamReader {
 public:
  SideReader(Conversation& conversation, std::size_t side, std::optional<std::int64_t> time_ns)
      : conversation_(conversation), side_(side), time_ns_(time_ns) {}
  void bytes(Bytes bytes) override { conversation_.bytes(side_, bytes, time_ns_); }
  void lost(std::uint64_t count) override { conversation_.lost(side_, count, time_ns_); }

 private:
  Conversation& conversation_;
  std::size_t side_;
  std::optional<std::int64_t> time_ns_;
};

}  // namespace

std::optional<CaptureDecoder::Place> CaptureDecoder::connection_of(const Key& key, const TcpPacket& packet) {
  const auto found = places_.find(key);
  const bool is_first = packet.is_syn && !packet.is_ack;
  if (found != places_.end() && !is_first) {
    connections_.splice(connections_.begin(), connections_, found->second);
    return found->second;
  }
  // The same ends again are another connection, unless only its SYN came twice: then nothing was said yet.
  if (found != places_.end()) end(found->second);
  // An acknowledgement or an end that comes after the end begins nothing.
  if (!packet.is_syn && packet.segment.sent_bytes == 0) return std::nullopt;
  if (connections_.size() == kMostConnections) end(std::prev(connections_.end()));
  connections_.emplace_front(key, output_);
  places_[key] = connections_.begin();
  return connections_.begin();
}

void CaptureDecoder::take(const CapturedPacket& captured) {
  const std::optional<TcpPacket> packet = read_tcp(captured);
  if (!packet || (port_ && packet->from.port != *port_ && packet->to.port != *port_)) return;
  const bool is_forward = packet->from < packet->to;
  const std::size_t side = is_forward ? 0 : 1;
  const Key key = is_forward ? Key(packet->from, packet->to) : Key(packet->to, packet->from);
  const std::optional<Place> place = connection_of(key, *packet);
  if (!place) return;
  Connection& connection = **place;
  if (packet->is_syn) {
    connection.conversation.begin(packet->is_ack ? 1 - side : side);
    connection.streams[side].begin(packet->segment.sequence);
  }
  SideReader reader(connection.conversation, side, captured.time_ns);
  connection.streams[side].add(packet->segment, reader);
  if (packet->is_fin) connection.has_ended[side] = true;
  if (packet->is_rst || (connection.has_ended[0] && connection.has_ended[1])) end(*place);
}

void CaptureDecoder::end(Place place) {
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
    SideReader reader(place->conversation, side, {});
    place->streams[side].finish(reader);
  }
  place->conversation.finish();
  places_.erase(place->key);
  connections_.erase(place);
}

void CaptureDecoder::finish() {
  while (!connections_.empty()) end(std::prev(connections_.end()));
}

}  // namespace tidelog::cli
