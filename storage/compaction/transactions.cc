#include "storage/compaction/transactions.h"

#include "proto/record/reader.h"

#include <algorithm>

namespace tidelog::storage {
namespace {

/// The key of a control record: version i16, type i16.
constexpr std::size_t kTypeAt = 2, kKeyBytes = 4;
constexpr std::int16_t kAbort = 0, kCommit = 1;

}  // namespace

std::optional<TransactionEnd> TransactionEnds::end_of(ProducerId producer, Offset offset) const {
  const auto found = ends_.find(producer.value);
  if (found == ends_.end()) return std::nullopt;
  const auto marker = std::ranges::upper_bound(found->second, offset, {}, &Marker::offset);
  return marker == found->second.end() ? std::nullopt : std::optional(marker->end);
}

Result<std::optional<TransactionEnd>> transaction_end(const proto::BatchView& control) {
  proto::RecordReader reader;
  if (const Result<void> opened = reader.open(control); !opened) return opened.error();
  proto::RecordView record;
  const Result<bool> found = reader.next(record);
  if (!found) return found.error();
  if (!*found || record.key.size() < kKeyBytes) return std::optional<TransactionEnd>{};
  switch (load_be<std::int16_t>(record.key.data() + kTypeAt)) {
    case kAbort: return std::optional(TransactionEnd::abort);
    case kCommit: return std::optional(TransactionEnd::commit);
    default: return std::optional<TransactionEnd>{};
  }
}

}  // namespace tidelog::storage
