#include "broker/coordinators/stored_records.h"

#include "storage/log/chain_check.h"

namespace tidelog::broker {

Result<std::vector<std::byte>> read_whole(const storage::Slice& slice) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(slice.size_bytes));
  const Result<std::size_t> got = slice.file->read_at(slice.position, bytes);
  if (!got) return got.error();
  if (*got != bytes.size()) return Errc::corrupt;
  if (const Result<void> whole = storage::check_chain(slice); !whole) return whole.error();
  return bytes;
}

}  // namespace tidelog::broker
