#include "client/producer/partitioner.h"

#include "proto/record/murmur2.h"

namespace tidelog::core {

std::int32_t partition_of_key(Bytes key, std::int32_t partitions) {
  return static_cast<std::int32_t>(proto::murmur2(key) & 0x7fffffffU) % partitions;
}

std::int32_t StickyPartitioner::next(std::size_t size_bytes, std::int32_t partitions) {
  if (given_bytes_ >= share_bytes_) {
    ++current_;
    given_bytes_ = 0;
  }
  given_bytes_ += size_bytes;
  return static_cast<std::int32_t>(current_ % static_cast<std::uint32_t>(partitions));
}

}  // namespace tidelog::core
