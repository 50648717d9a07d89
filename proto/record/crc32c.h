#pragma once

#include "proto/base/types.h"

#include <cstdint>

namespace tidelog::proto {

/// CRC-32C (Castagnoli) of `bytes`, as in the header of a record batch.
std::uint32_t crc32c(Bytes bytes);

/// The checksum of what `crc` covers followed by `bytes`; `crc32c_extend(0, x) == crc32c(x)`.
std::uint32_t crc32c_extend(std::uint32_t crc, Bytes bytes);

}  // namespace tidelog::proto
