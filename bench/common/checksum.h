#pragma once

#include "proto/base/types.h"

#include <cstdint>

namespace tidelog::bench {

/// CRC-32C by the library the broker uses too: the floor must not win or lose by its checksum.
std::uint32_t crc32c(Bytes bytes);

}  // namespace tidelog::bench
