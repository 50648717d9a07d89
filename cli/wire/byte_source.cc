#include "cli/wire/byte_source.h"

#include <algorithm>
#include <cstring>

namespace tidelog::cli {

bool ByteSource::ensure(std::size_t count) {
  while (bytes().size() < count && !is_at_end_) {
    const std::size_t rest = bytes().size();
    if (used_ > 0) {
      std::memmove(buffer_.data(), bytes().data(), rest);
      buffer_.truncate(rest);
      used_ = 0;
    }
    std::byte* room = buffer_.extend(kPieceBytes);
    const std::size_t came = read_({room, kPieceBytes});
    buffer_.truncate(rest + came);
    is_at_end_ = came == 0;
  }
  return bytes().size() >= count;
}

bool ByteSource::skip(std::uint64_t count) {
  while (count > 0) {
    const Bytes there = some();
    if (there.empty()) return false;
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(count, there.size()));
    consume(step);
    count -= step;
  }
  return true;
}

}  // namespace tidelog::cli
