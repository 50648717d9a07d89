#pragma once

#include "proto/base/sip_hash.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace tidelog::storage {

/// The newest offset of each key, in a fixed piece of memory: what a cleaning knows of the records it read.
///
/// A key is kept as 80 bits of its hash, and lies near the slot that 48 other bits choose; its offset as 32 bits above `base`. That is 14
/// bytes a slot, 15.6 a key at the load factor of 0.9.
///
/// Two keys that are taken for one would lose the older one's newest record. For that their 80 bits must be equal and their slots in one
/// run of taken ones (about 50 slots at that load): with n keys in s slots the chance is below n * n / 2^81 * 50 / s, which for a full
/// table of 128 MiB (8.6 million keys) is one in 5 * 10^15 a cleaning. The hash has a secret, so nobody can improve on that.
///
/// Life: memory is taken by the constructor; the system hands it out page by page as it is used. Thread: one at a time.
class OffsetMap {
 public:
  static constexpr std::size_t kSlotBytes = 14;

  /// At most `budget_bytes`, and no more than `most_keys` need. There is room for one key at least.
  OffsetMap(std::size_t budget_bytes, std::uint64_t most_keys, double load_factor, const HashSecret& secret);

  /// Forgets everything; offsets then count from `base`.
  void reset(Offset base);
  /// Notes that `key` stands at `offset`, which is not below any that was noted. False: there is no room for it, or it lies 2^32 - 1 or
  /// more above the base; then nothing has changed.
  bool put(Bytes key, Offset offset);
  [[nodiscard]] std::optional<Offset> find(Bytes key) const;

  [[nodiscard]] std::size_t size() const { return size_; }
  /// Keys that fit.
  [[nodiscard]] std::size_t capacity() const { return most_; }
  [[nodiscard]] std::size_t memory_bytes() const { return slots_ * kSlotBytes; }

 private:
  struct Free {
    void operator()(std::byte* memory) const;
  };
  struct Tag;
  struct Place;
  [[nodiscard]] Place locate(Bytes key) const;

  HashSecret secret_;
  std::size_t slots_;
  std::size_t most_;
  std::unique_ptr<std::byte[], Free> table_;
  Offset base_{0};
  std::size_t size_ = 0;
};

}  // namespace tidelog::storage
