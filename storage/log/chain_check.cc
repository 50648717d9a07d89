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

}  // namespace tidelog::storage
