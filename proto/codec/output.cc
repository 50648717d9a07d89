#include "proto/codec/output.h"

#include <algorithm>

namespace tidelog::proto {
namespace {

constexpr std::size_t kFirstBytes = 256;

}  // namespace

void Output::reserve(std::size_t at_least) {
  const std::size_t capacity = std::max({kFirstBytes, 2 * capacity_, at_least});
  auto next = std::make_unique_for_overwrite<std::byte[]>(capacity);
  if (size_ > 0) std::memcpy(next.get(), data_.get(), size_);
  data_ = std::move(next);
  capacity_ = capacity;
}

}  // namespace tidelog::proto
