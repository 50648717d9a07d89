#include "cli/wire/tcp_stream.h"

#include <algorithm>

namespace tidelog::cli {

TcpStream::~TcpStream() { kept_.left += waiting_bytes_; }

void TcpStream::add(const Segment& segment, StreamReader& reader) {
  if (segment.sent_bytes == 0) return;
  if (!has_begun_) begin(segment.sequence);
  while (distance(segment.sequence) > 0) {
    if (wait(segment)) return;
    // It may not wait, and nothing that waits comes before it: what is missing will not come.
    if (waiting_.empty() || distance(waiting_[nearest()].sequence) >= distance(segment.sequence)) {
      const auto missing = static_cast<std::uint32_t>(distance(segment.sequence));
      next_ = segment.sequence;
      reader.lost(missing);
      break;
    }
    jump(reader);
  }
  take(segment, reader);
  take_waiting(reader);
}

/// What of a segment is new. Needs one that begins at or before the next byte.
void TcpStream::take(const Segment& segment, StreamReader& reader) {
  const std::uint32_t known = next_ - segment.sequence;  // Sequence numbers wrap.
  if (known >= segment.sent_bytes) return;
  const std::uint32_t fresh = segment.sent_bytes - known;
  const Bytes payload = segment.payload.subspan(std::min<std::size_t>(known, segment.payload.size()));
  next_ += fresh;
  if (!payload.empty()) reader.bytes(payload);
  if (payload.size() < fresh) reader.lost(fresh - payload.size());
}

bool TcpStream::wait(const Segment& segment) {
  const std::size_t size = segment.payload.size();
  const bool has_room = waiting_.size() < kMostWaiting && waiting_bytes_ + size <= kMostWaitingBytes && kept_.left >= size;
  if (!has_room) return false;
  waiting_.push_back({.sequence = segment.sequence,
                      .sent_bytes = segment.sent_bytes,
                      .payload = std::vector<std::byte>(segment.payload.begin(), segment.payload.end())});
  waiting_bytes_ += size;
  kept_.left -= size;
  return true;
}

std::size_t TcpStream::nearest() const {
  const auto found = std::ranges::min_element(
      waiting_, [this](const Waiting& a, const Waiting& b) { return distance(a.sequence) < distance(b.sequence); });
  return static_cast<std::size_t>(found - waiting_.begin());
}

TcpStream::Waiting TcpStream::remove(std::size_t index) {
  Waiting taken = std::move(waiting_[index]);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(index));
  waiting_bytes_ -= taken.payload.size();
  kept_.left += taken.payload.size();
  return taken;
}

void TcpStream::take_waiting(StreamReader& reader) {
  while (!waiting_.empty()) {
    const std::size_t index = nearest();
    if (distance(waiting_[index].sequence) > 0) return;
    const Waiting one = remove(index);
    take({.sequence = one.sequence, .payload = one.payload, .sent_bytes = one.sent_bytes}, reader);
  }
}

/// Gives up on what is before the first that waits.
void TcpStream::jump(StreamReader& reader) {
  const std::uint32_t sequence = waiting_[nearest()].sequence;
  if (distance(sequence) > 0) {
    const auto missing = static_cast<std::uint32_t>(distance(sequence));
    next_ = sequence;
    reader.lost(missing);
  }
  take_waiting(reader);
}

void TcpStream::finish(StreamReader& reader) {
  while (!waiting_.empty()) jump(reader);
}

}  // namespace tidelog::cli
