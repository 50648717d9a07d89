#pragma once

#include "proto/base/types.h"

#include <cstdint>

namespace tidelog::proto {

/// The hash by which every Kafka client spreads keyed records: partition = (murmur2(key) & 0x7fffffff) % partitions.
std::uint32_t murmur2(Bytes key);

}  // namespace tidelog::proto
