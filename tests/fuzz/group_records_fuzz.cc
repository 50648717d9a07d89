#include "broker/group/records.h"

#include <algorithm>
#include <cstdlib>

// Any bytes as a record of `__consumer_offsets`: the size of the key in one byte, the key, and the value behind it; none is a tombstone.
// Properties: nothing is read outside the bytes; what decodes is written in a form that decodes to the same and is written alike again; a
// tombstone stays one, and its key is the same bytes (of type 0: but for the type).

namespace {

using namespace tidelog;
using namespace tidelog::broker;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Whether there is a form to write it in.
bool is_written(const GroupRecord& record) {
  if (const auto* metadata = std::get_if<ConsumerPartitionMetadataRecord>(&record)) return metadata->is_tombstone;
  return !std::holds_alternative<ForeignRecord>(record);
}

Bytes value_of(const StoredRecord& stored) { return stored.value ? Bytes(*stored.value) : Bytes(); }

void check_again(const GroupRecord& record, Bytes key, bool is_tombstone) {
  const StoredRecord stored = encode(record);
  require(stored.value.has_value() != is_tombstone);
  require(stored.key.size() == key.size() && std::ranges::equal(Bytes(stored.key).subspan(2), key.subspan(2)));
  const Result<GroupRecord> read = decode_group_record(stored.key, value_of(stored));
  require(read.has_value() && *read == record);
  const StoredRecord again = encode(*read);
  require(again.key == stored.key && again.value == stored.value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes rest = std::as_bytes(std::span(data + 1, size - 1));
  const Bytes key = rest.first(std::min<std::size_t>(data[0], rest.size()));
  const Bytes behind = rest.subspan(key.size());
  const Bytes value = behind.empty() ? Bytes() : behind;
  const Result<GroupRecord> record = decode_group_record(key, value);
  if (!record) {
    require(record.error() == Errc::corrupt || record.error() == Errc::unsupported);
  } else if (is_written(*record)) {
    check_again(*record, key, value.empty());
  }
  return 0;
}
