#include "broker/net/send_queue.h"

#include <array>

namespace tidelog::broker {
namespace {

/// A drained queue larger than this gives its memory back.
constexpr std::size_t kKeptBytes = 64 * 1024;
/// What thousands of idle connections may keep each.
constexpr std::size_t kKeptWhileIdleBytes = 4 * 1024;

}  // namespace

std::uint32_t SendQueue::add(FileSlice slice) {
  slices_.push_back(std::move(slice));
  return static_cast<std::uint32_t>(slices_.size() - 1);
}

Result<void> SendQueue::send(Stream& stream) {
  while (!empty()) {
    const auto gaps = output_.gaps();
    const bool has_gap = gap_ < gaps.size();
    const std::size_t memory_end = has_gap ? gaps[gap_].at : output_.size();
    if (sent_ < memory_end) {
      if (Result<void> ok = send_memory(stream, memory_end); !ok) return ok;
      continue;
    }
    if (Result<void> ok = send_slice(stream, slices_[gaps[gap_].token]); !ok) return ok;
  }
  clear();
  return {};
}

Result<void> SendQueue::send_memory(Stream& stream, std::size_t end) {
  const std::array<Bytes, 1> part{output_.bytes().subspan(sent_, end - sent_)};
  const Result<std::size_t> n = stream.write(part);
  if (!n) return n.error();
  sent_ += *n;
  sent_total_ += *n;
  return {};
}

Result<void> SendQueue::send_slice(Stream& stream, const FileSlice& slice) {
  const Result<std::size_t> n =
      stream.send_file(*slice.file, slice.position + sent_of_slice_, static_cast<std::size_t>(slice.size_bytes - sent_of_slice_));
  if (!n) return n.error();
  if (*n == 0) return Errc::corrupt;
  sent_of_slice_ += *n;
  sent_total_ += *n;
  if (sent_of_slice_ < slice.size_bytes) return {};
  slices_[output_.gaps()[gap_].token].file.reset();
  sent_of_slice_ = 0;
  ++gap_;
  return {};
}

void SendQueue::release_if_empty() {
  if (empty() && held_bytes() > kKeptWhileIdleBytes) drop();
}

void SendQueue::drop() {
  clear();
  output_ = proto::Output();
  slices_ = {};
}

void SendQueue::clear() {
  sent_before_ += sent_total_;
  if (held_bytes() > kKeptBytes) {
    output_ = proto::Output();
    slices_ = {};
  } else {
    output_.clear();
    slices_.clear();
  }
  sent_ = 0;
  gap_ = 0;
  sent_of_slice_ = 0;
  sent_total_ = 0;
}

}  // namespace tidelog::broker
