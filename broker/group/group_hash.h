#pragma once

#include "proto/base/types.h"

#include <cstdint>
#include <string_view>

// Which partition of `__consumer_offsets` keeps a group. Clients never compute it, but a log that Kafka wrote is laid out by it, and tools
// that read the topic look for a group where it says.

namespace tidelog::broker {

/// Java's `String.hashCode` of what Java reads from these bytes: over UTF-16 units, where what is not UTF-8 stands for U+FFFD.
std::int32_t java_string_hash(std::string_view utf8);

/// Needs at least one partition.
PartitionIndex partition_of_group(std::string_view group, std::int32_t partitions);

}  // namespace tidelog::broker
