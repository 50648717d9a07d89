#include "cli/wire/conversation.h"

#include "proto/base/endian.h"

namespace tidelog::cli {

Conversation::Conversation(std::array<std::string, 2> names, WireOutput output)
    : names_(std::move(names)), output_(output), sides_{Side(output.kept), Side(output.kept)} {}

void Conversation::begin(std::size_t client_side) {
  client_side_ = client_side;
  for (Side& side : sides_) side.is_followed = true;
}

bool Conversation::begins_frame(std::size_t side, Bytes bytes) const {
  if (side == client_side_) return looks_like_request(bytes);
  constexpr std::size_t kLengthBytes = 4;
  if (bytes.size() < 2 * kLengthBytes || load_be<std::uint32_t>(bytes.data()) > kLongestFrameBytes) return false;
  return in_flight_.contains(load_be<std::int32_t>(bytes.data() + kLengthBytes));
}

void Conversation::bytes(std::size_t side, Bytes bytes, std::optional<std::int64_t> time_ns) {
  has_bytes_ = true;
  if (is_given_up_) return;
  if (!client_side_ && looks_like_request(bytes)) client_side_ = side;
  Side& from = sides_[side];
  if (!from.is_followed) from.is_followed = client_side_ && begins_frame(side, bytes);
  if (!from.is_followed) return from.cutter.skip(bytes.size());
  const bool goes_on = from.cutter.feed(bytes, [&](const CutFrame& cut) { frame(side, cut, time_ns); });
  if (!goes_on && !is_given_up_) give_up(side, std::to_string(from.cutter.bad_length()) + " is no length of a frame");
}

void Conversation::frame(std::size_t side, const CutFrame& frame, std::optional<std::int64_t> time_ns) {
  if (is_given_up_) return;
  if (side == client_side_) {
    if (!has_spoken_ && !looks_like_request_head(frame.kept, frame.size_bytes)) return give_up(side, "it does not begin with a request");
    const Printed printed = print_request(frame, origin(side, time_ns), output_.printer);
    output_.tally.count(printed.outcome);
    if (printed.asked) remember(*printed.asked);
  } else {
    if (!has_spoken_) return give_up(side, "it begins with a response");
    output_.tally.count(print_response(frame, origin(side, time_ns), asked_by(frame), output_.printer).outcome);
  }
  has_spoken_ = true;
}

void Conversation::remember(const Asked& asked) {
  in_flight_.insert_or_assign(asked.correlation_id, asked);
  in_flight_order_.push_back(asked.correlation_id);
  // Nobody answers a Produce with acks=0, so the oldest go.
  if (in_flight_order_.size() <= kMostInFlight) return;
  in_flight_.erase(in_flight_order_.front());
  in_flight_order_.pop_front();
}

std::optional<Asked> Conversation::asked_by(const CutFrame& response) {
  const std::optional<std::int32_t> id = correlation_of_response(response.kept);
  const auto found = id ? in_flight_.find(*id) : in_flight_.end();
  if (found == in_flight_.end()) return std::nullopt;
  const Asked asked = found->second;
  in_flight_.erase(found);
  // Responses come in the order of the requests, nearly always.
  if (in_flight_order_.front() == *id) in_flight_order_.pop_front();
  return asked;
}

void Conversation::lost(std::size_t side, std::uint64_t count, std::optional<std::int64_t> time_ns) {
  if (is_given_up_) return;
  Side& from = sides_[side];
  if (has_spoken_) output_.tally.lost_bytes += count;
  from.cutter.finish([&](const CutFrame& cut) { frame(side, cut, time_ns); });
  if (from.is_followed && has_spoken_)
    output_.printer.remark(origin(side, time_ns), std::to_string(count) + " bytes are missing from the capture");
  from.is_followed = false;
  from.cutter.skip(count);
}

void Conversation::give_up(std::size_t side, const std::string& why) {
  is_given_up_ = true;
  if (!has_spoken_) return;  // Another protocol: told with all others of that kind.
  ++output_.tally.broken_streams;
  const std::string at = std::to_string(sides_[side].cutter.at());
  output_.printer.remark(origin(side, {}), "this connection is followed no further: " + why + " (before byte " + at + ")");
}

void Conversation::finish_side(std::size_t side) {
  const bool is_clean = sides_[side].cutter.finish([&](const CutFrame& cut) { frame(side, cut, {}); });
  if (!is_clean && has_spoken_ && !is_given_up_) output_.printer.remark(origin(side, {}), "it ends within the length of a frame");
}

void Conversation::finish() {
  finish_side(0);
  finish_side(1);
  if (has_bytes_) ++(has_spoken_ ? output_.tally.connections : output_.tally.other_connections);
}

}  // namespace tidelog::cli
