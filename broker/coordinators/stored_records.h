#pragma once

#include "broker/shard/shard.h"
#include "proto/base/result.h"
#include "proto/record/batch_cursor.h"
#include "proto/record/reader.h"
#include "storage/key_value/applied_mark.h"
#include "storage/log/slice.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace tidelog::broker {

/// What a walk over stored batches saw.
struct StoredWalk {
  std::optional<storage::LogPoint> end;  ///< Behind the last batch; nothing: there was none.
  /// Every batch has all the records that it was written with. Otherwise compaction was here, and a tombstone may be gone.
  bool is_as_written = true;
};

/// Calls `visit(const RecordView&)` for each record of whole batches that is not a control record. `corrupt`: a batch that is not what was
/// written.
template <class Visit>
Result<StoredWalk> for_each_stored(Bytes batches, proto::RecordReader& reader, const Visit& visit) {
  proto::BatchCursor cursor(batches);
  StoredWalk walk;
  while (true) {
    const auto batch = cursor.next();
    if (!batch) return batch.error();
    if (!*batch) return walk;
    if (!(*batch)->crc_ok()) return Errc::corrupt;
    walk.end = {.next_offset = (*batch)->next_offset(), .epoch = (*batch)->leader_epoch(), .batch_crc = (*batch)->crc()};
    if ((*batch)->record_count() != (*batch)->last_offset_delta() + 1) walk.is_as_written = false;
    if ((*batch)->is_control()) continue;
    if (const Result<void> read = proto::for_each_record(**batch, reader, visit); !read) return read.error();
  }
}

/// The bytes of a slice, checked to go on one from the other: a batch that is missing would take back what was committed, and nobody would
/// notice. Waits for the disk.
Result<std::vector<std::byte>> read_whole(const storage::Slice& slice);

}  // namespace tidelog::broker
