#include "broker/net/receive_buffer.h"

#include "proto/base/endian.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace tidelog::broker {
std::size_t ReceiveBuffer::announced_bytes() const {
  if (pending_bytes() < kLengthBytes) return kLengthBytes;
  const auto length = load_be<std::int32_t>(block_->all().data() + begin_);
  return length < 0 ? kLengthBytes : kLengthBytes + static_cast<std::size_t>(length);
}

std::size_t ReceiveBuffer::block_needed(bool is_scarce) {
  if (block_ == nullptr) return next_block_bytes_;
  // Half a frame is moved only over what was handled since, and before the room gets too small for a read worth its call.
  const bool is_worth_moving = pending_bytes() == 0 || (pending_bytes() <= begin_ && room() < block_->capacity() / 2);
  if (is_ours_alone() && is_worth_moving) move_to_front();
  const bool is_outgrown = block_->capacity() < next_block_bytes_;
  const bool is_moderate = pending_bytes() >= kLengthBytes && announced_bytes() <= Budget::kSmallBytes;
  // The block of such a frame was made for it: what is left of that is enough, however little is missing.
  const bool gets_its_size = is_scarce && is_moderate && announced_bytes() > pending_bytes();
  const std::size_t least = gets_its_size ? std::min(kLeastRoomBytes, announced_bytes() - pending_bytes()) : kLeastRoomBytes;
  if (room() >= least && !is_outgrown) return 0;
  const std::size_t wanted =
      is_scarce && is_moderate ? std::max(announced_bytes(), 2 * kLeastRoomBytes) : std::max(next_block_bytes_, earned_bytes(is_scarce));
  if (!is_ours_alone() || block_->capacity() < wanted) return wanted;
  move_to_front();
  return room() >= least ? 0 : wanted + kLeastRoomBytes;
}

/// What a frame in progress may claim grows with what came of it, not with what it announces.
std::size_t ReceiveBuffer::earned_bytes(bool is_scarce) const {
  const std::size_t more = is_scarce ? pending_bytes() / 4 : pending_bytes();
  return std::min(announced_bytes(), pending_bytes() + more) + kLeastRoomBytes;
}

bool ReceiveBuffer::use_spare() {
  if (block_ != nullptr && !is_spare() && pending_bytes() > 0) return false;
  if (!is_spare()) {
    if (spare_ == nullptr) spare_ = new ReceiveBlock(kSpareBytes, nullptr);
    if (spare_->use_count() > 1) return false;  // By requests that are not answered yet.
    block_ = spare_;
    begin_ = end_ = 0;
  }
  if (is_ours_alone()) move_to_front();
  return room() > 0;
}

void ReceiveBuffer::move_to_front() {
  if (begin_ == 0) return;
  std::memmove(block_->all().data(), block_->all().data() + begin_, pending_bytes());
  end_ -= begin_;
  begin_ = 0;
}

void ReceiveBlock::resize(std::size_t capacity_bytes) {
  void* const bytes = std::realloc(bytes_.get(), capacity_bytes);
  if (bytes == nullptr) throw std::bad_alloc();
  static_cast<void>(bytes_.release());  // Gone, or the same.
  bytes_.reset(static_cast<std::byte*>(bytes));
  capacity_ = capacity_bytes;
}

void ReceiveBuffer::use_block(std::size_t bytes, const std::shared_ptr<Budget>& budget) {
  if (is_ours_alone() && !is_spare()) {
    move_to_front();
    const std::size_t before = block_->capacity();
    block_->resize(bytes);
    budget->give(before);
    return;
  }
  ReceiveBlockPointer block = new ReceiveBlock(bytes, budget);
  const std::size_t kept = pending_bytes();
  if (kept > 0) std::memcpy(block->all().data(), block_->all().data() + begin_, kept);
  block_ = std::move(block);
  begin_ = 0;
  end_ = kept;
}

void ReceiveBuffer::received(std::size_t bytes) {
  end_ += bytes;
  if (was_filled() && !is_spare()) next_block_bytes_ = std::min(next_block_bytes_ * kBlockStep, kLargestBlockBytes);
  small_reads_ = bytes < next_block_bytes_ / (2 * kBlockStep) ? small_reads_ + 1 : 0;
  if (small_reads_ < kSmallReadsToStepDown) return;
  small_reads_ = 0;
  next_block_bytes_ = std::max(next_block_bytes_ / kBlockStep, kFirstBlockBytes);
}

Result<ReceiveBuffer::Frame> ReceiveBuffer::next_frame() {
  if (pending_bytes() < kLengthBytes) return Errc::would_block;
  const MutableBytes waiting = block_->all().subspan(begin_, pending_bytes());
  const auto length = load_be<std::int32_t>(waiting.data());
  if (length < 0) return Errc::corrupt;
  const auto size = static_cast<std::size_t>(length);
  if (size > max_frame_bytes_) return Errc::too_large;
  if (waiting.size() - kLengthBytes < size) return Errc::would_block;
  begin_ += kLengthBytes + size;
  return Frame{.bytes = waiting.subspan(kLengthBytes, size), .block = block_};
}

std::size_t ReceiveBuffer::least_block() const {
  if (pending_bytes() == 0) return 0;
  const std::size_t least = pending_bytes() + kUnfilledBytes;
  return 2 * least <= replaced_bytes() ? least : 0;
}

void ReceiveBuffer::release_if_empty() {
  if (begin_ != end_) return;
  block_.reset();
  begin_ = end_ = 0;
}

}  // namespace tidelog::broker
