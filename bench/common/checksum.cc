#include "bench/common/checksum.h"

#include <isa-l.h>

namespace tidelog::bench {

std::uint32_t crc32c(Bytes bytes) {
  auto* data =
      reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));  // the library reads only, its signature is older than const
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~0U);
}

}  // namespace tidelog::bench
