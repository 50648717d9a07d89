#pragma once

#include "proto/base/types.h"

#include <cstdint>

namespace tidelog::core {

/// The partition that every Kafka client takes for this key. Needs partitions > 0.
std::int32_t partition_of_key(Bytes key, std::int32_t partitions);

/// Spreads records without a key: one partition until it got its share of bytes, then the next. Batches fill sooner that way than if each
/// record went elsewhere.
class StickyPartitioner {
 public:
  StickyPartitioner(std::size_t share_bytes, std::uint32_t first) : share_bytes_(share_bytes), current_(first) {}

  /// Where a record of `size_bytes` goes. Needs partitions > 0.
  std::int32_t next(std::size_t size_bytes, std::int32_t partitions);

 private:
  std::size_t share_bytes_;
  std::size_t given_bytes_ = 0;
  std::uint32_t current_;
};

}  // namespace tidelog::core
