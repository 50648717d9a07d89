#pragma once

#include "proto/record/batch.h"
#include "proto/record/record.h"

namespace tidelog::proto {

/// One record of a batch. Key and value are null when data() == nullptr.
struct RecordView {
  Offset offset;
  TimestampMs timestamp;
  Bytes key;
  Bytes value;
  RecordHeaders headers;
};

/// Reads the records of one batch after the other, decompressing when needed. Contents are taken as hostile: the count in the header
/// never sizes anything, decompressed bytes are capped. What Kafka stores though it is odd (offset deltas out of order, lengths
/// below -1 for null) is read as Kafka's own reader does.
/// Life: views it hands out last until the next `open`, and no longer than the batch. Reuse one reader: it keeps its memory.
/// Thread: one at a time.
class RecordReader {
 public:
  /// Starts with `batch`. `Errc::corrupt`, `too_large` (past the limit) or `unsupported` (codec); the reader then is at its end.
  Result<void> open(const BatchView& batch, DecompressLimit limit = {});

  /// True: `record` is the next one. False: that was all. `Errc::corrupt` if the batch holds something else than it says.
  Result<bool> next(RecordView& record);

  /// Starts again with the first record of the same batch. Needs an `open` that went well.
  void rewind();

 private:
  ByteBuffer decompressed_;
  Bytes records_;
  Bytes rest_;
  std::int32_t count_ = 0;
  std::int32_t left_ = 0;
  bool is_append_time_ = false;
  Offset base_offset_;
  TimestampMs base_timestamp_;
  TimestampMs max_timestamp_;
};

/// Calls `visit(const RecordView&)` for each record of `batch`.
template <class Visit>
Result<void> for_each_record(const BatchView& batch, RecordReader& reader, Visit&& visit, DecompressLimit limit = {}) {
  if (const Result<void> opened = reader.open(batch, limit); !opened) return opened.error();
  RecordView record;
  while (true) {
    const Result<bool> more = reader.next(record);
    if (!more) return more.error();
    if (!*more) return {};
    visit(static_cast<const RecordView&>(record));
  }
}

}  // namespace tidelog::proto
