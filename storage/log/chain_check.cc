#include "storage/log/chain_check.h"

#include "storage/log/header_walk.h"

namespace tidelog::storage {

Result<void> check_chain(const File& file, const Boundary& from, const Boundary& to) {
  HeaderWalk walk(file, from.position, to.position);
  walk.expect(from.offset);
  Offset end = from.offset;
  while (true) {
    const Result<bool> more = walk.next();
    if (!more) return more.error();
    if (!*more) return end == to.offset ? Result<void>() : Errc::corrupt;
    end = walk.header().next_offset();
  }
}

Result<void> check_chain(const Slice& slice) {
  if (!slice.needs_check) return {};
  const Boundary end{.offset = slice.next_offset, .position = slice.position + slice.size_bytes};
  return check_chain(*slice.file, {.offset = slice.first_offset, .position = slice.position}, end);
}

}  // namespace tidelog::storage
