#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace tidelog::broker {

/// Memory for objects of one size that come and go by the thousand, the last one used given first: it is still in the processor's cache.
/// Thread: one. Life: outlives what was taken from it. Invariant: at most `kKept` pieces are kept.
class FreeList {
 public:
  explicit FreeList(std::size_t size_bytes) : size_bytes_(size_bytes) { pieces_.reserve(kKept); }
  FreeList(const FreeList&) = delete;
  FreeList& operator=(const FreeList&) = delete;
  ~FreeList() {
    for (void* piece : pieces_) ::operator delete(piece);
  }

  [[nodiscard]] void* take() {
    if (pieces_.empty()) return ::operator new(size_bytes_);
    void* piece = pieces_.back();
    pieces_.pop_back();
    return piece;
  }

  void give(void* piece) noexcept {
    if (pieces_.size() == kKept) return ::operator delete(piece);
    pieces_.push_back(piece);  // Into reserved room.
  }

 private:
  static constexpr std::size_t kKept = 256;
  std::size_t size_bytes_;
  std::vector<void*> pieces_;
};

}  // namespace tidelog::broker
