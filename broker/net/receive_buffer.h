#pragma once

#include "broker/shard/budget.h"
#include "proto/base/result.h"
#include "proto/base/types.h"

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <cstdlib>
#include <memory>

namespace tidelog::broker {

/// Bytes as they came from a socket. Requests are views into it, so whoever holds a request holds its block.
/// Its memory was taken from a budget, if there is one, and goes back there with the block. Thread: the loop of the connection it was read
/// on, which is also why its holders are counted without locking the bus for each request.
class ReceiveBlock final : public boost::intrusive_ref_counter<ReceiveBlock, boost::thread_unsafe_counter> {
 public:
  ReceiveBlock(std::size_t capacity_bytes, std::shared_ptr<Budget> taken_from) : budget_(std::move(taken_from)) { resize(capacity_bytes); }
  ReceiveBlock(const ReceiveBlock&) = delete;
  ReceiveBlock& operator=(const ReceiveBlock&) = delete;
  ~ReceiveBlock() {
    if (budget_ != nullptr) budget_->give(capacity_);
  }
  [[nodiscard]] MutableBytes all() { return {bytes_.get(), capacity_}; }
  /// Keeps what fits of what is in it. Nobody may hold a view of it. Large ones are moved by their pages: at no time are there two.
  void resize(std::size_t capacity_bytes);
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// What a budget gave for it.
  [[nodiscard]] std::size_t charged_bytes() const { return budget_ == nullptr ? 0 : capacity_; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte[], Free> bytes_;
  std::size_t capacity_ = 0;
  std::shared_ptr<Budget> budget_;
};

using ReceiveBlockPointer = boost::intrusive_ptr<ReceiveBlock>;

/// What one connection has received and not yet handled. Grows with the bytes that came, never with the size a peer announced (R19): a
/// block is at most twice what is in it, or the ordinary block size. An idle connection holds no block at all.
/// Thread: one loop.
class ReceiveBuffer {
 public:
  struct Frame {
    MutableBytes bytes;  ///< Without its length prefix.
    ReceiveBlockPointer block;
  };

  explicit ReceiveBuffer(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  /// 0 if there is room for a read, else the capacity of the block that `use_block` wants before `writable` may be called. While memory is
  /// scarce a frame of moderate size asks for all it will need, so that no crowd holds the beginnings of what nobody can finish; a larger
  /// one grows by less than `least_block` would give back, or one that comes in crumbs would be moved back and forth for each.
  std::size_t block_needed(bool is_scarce = false);
  /// Whether nothing is kept yet: the next block begins a request.
  [[nodiscard]] bool is_without_block() const { return block_ == nullptr; }
  /// Whether a block of so many bytes is the first of a request that will not fit into it.
  [[nodiscard]] bool is_beginning(std::size_t bytes) const { return (block_ == nullptr || is_spare()) && announced_bytes() > bytes; }
  /// Whether a request that has one already is whole with a block of so many bytes.
  [[nodiscard]] bool is_end(std::size_t bytes) const {
    return block_ != nullptr && !is_spare() && pending_bytes() >= kLengthBytes && announced_bytes() <= bytes;
  }
  /// Goes on in a little memory that no budget knows of, of which each connection has one piece: a small request is read and answered
  /// whoever has the rest. False if there is no room in it: it holds the beginning of a larger request, or requests refer to it.
  bool use_spare();
  /// Bytes that `use_block` gives back; 0 while requests still refer to the present block.
  [[nodiscard]] std::size_t replaced_bytes() const { return is_ours_alone() ? block_->charged_bytes() : 0; }
  /// There is no memory for what was needed: the next answer of `block_needed` is the least to go on with.
  void ask_for_less() { next_block_bytes_ = kFirstBlockBytes; }
  /// Goes on in a block of `bytes`, which were taken from `budget`; what was pending moves along.
  void use_block(std::size_t bytes, const std::shared_ptr<Budget>& budget);
  /// Where the next read goes.
  MutableBytes writable() { return block_->all().subspan(end_); }
  void received(std::size_t bytes);
  /// The next whole frame, if there is one: `would_block` asks for more bytes, `corrupt` or `too_large` end the connection.
  Result<Frame> next_frame();
  /// Bytes of a frame that is not whole yet, its length prefix included.
  [[nodiscard]] std::size_t pending_bytes() const { return end_ - begin_; }
  /// Capacity of the smallest block that holds the unfinished frame; 0 if it would save little, or requests refer to the present block.
  [[nodiscard]] std::size_t least_block() const;
  /// Memory that nothing but an unfinished frame keeps.
  [[nodiscard]] std::size_t unfinished_bytes() const { return pending_bytes() > 0 ? replaced_bytes() : 0; }
  /// True if the last read filled all the room it was given, so more is likely waiting.
  [[nodiscard]] bool was_filled() const { return block_ != nullptr && end_ == block_->capacity(); }
  /// Lets go of the block when nothing is in it.
  void release_if_empty();

 private:
  static constexpr std::size_t kLengthBytes = 4;
  static constexpr std::size_t kSpareBytes = 1024;
  static constexpr std::size_t kFirstBlockBytes = 16 * 1024;
  static constexpr std::size_t kLeastRoomBytes = 4 * 1024;  ///< Less is not worth a read.
  static constexpr std::size_t kUnfilledBytes = 64;         ///< Room of the smallest block: a full one says that more is waiting.
  /// Of ordinary blocks; one frame larger than this gets its own. Larger ones do not stay in the processor's cache until they are handled.
  static constexpr std::size_t kLargestBlockBytes = 512 * 1024;
  static constexpr std::size_t kBlockStep = 4;
  static constexpr int kSmallReadsToStepDown = 4;  ///< One after the other: each burst ends with one.

  [[nodiscard]] bool is_spare() const { return block_ != nullptr && block_ == spare_; }
  [[nodiscard]] bool is_ours_alone() const { return block_ != nullptr && block_->use_count() == (is_spare() ? 2 : 1); }
  [[nodiscard]] std::size_t announced_bytes() const;
  [[nodiscard]] std::size_t earned_bytes(bool is_scarce) const;
  [[nodiscard]] std::size_t room() const { return block_->capacity() - end_; }
  /// Needs a block that no request looks at.
  void move_to_front();

  std::size_t max_frame_bytes_;
  ReceiveBlockPointer block_;
  ReceiveBlockPointer spare_;  ///< Null: never needed.
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  /// Follows what one read brings: a step up when a block was filled, for its reader is busy, a step down when far less came again and
  /// again. It stays when the block is let go, or each burst of a busy connection would begin with small reads and so with small writes.
  std::size_t next_block_bytes_ = kFirstBlockBytes;
  int small_reads_ = 0;
};

}  // namespace tidelog::broker
