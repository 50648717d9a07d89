#pragma once

#include "proto/record/batch.h"

#include <optional>

namespace tidelog::proto {

/// Walks batches that follow one another, as in a segment or a fetch response. A batch cut at the end is no error there: the walk ends.
class BatchCursor {
 public:
  explicit BatchCursor(Bytes bytes) : rest_(bytes) {}

  /// The next whole batch, or nothing at the end. `Errc::corrupt` or `unsupported` (magic) as `BatchView::parse`, and then for ever.
  Result<std::optional<BatchView>> next() {
    if (rest_.size() < kBatchHeaderBytes && !has_whole_batch()) return std::optional<BatchView>{};
    const Result<BatchView> batch = BatchView::parse(rest_);
    if (!batch && batch.error() == Errc::corrupt && is_cut()) return std::optional<BatchView>{};
    if (!batch) return batch.error();
    rest_ = rest_.subspan(batch->size_bytes());
    return std::optional<BatchView>{*batch};
  }

  /// What the walk did not pass: the cut batch, at the end.
  [[nodiscard]] Bytes rest() const { return rest_; }

 private:
  [[nodiscard]] std::int32_t length() const { return load_be<std::int32_t>(rest_.data() + batch_field::kBatchLength); }
  [[nodiscard]] bool has_whole_batch() const {
    return rest_.size() > batch_field::kMagic && length() >= 0 && static_cast<std::size_t>(length()) + kBatchOverheadBytes <= rest_.size();
  }
  [[nodiscard]] bool is_cut() const {
    return length() >= static_cast<std::int32_t>(kBatchHeaderBytes - kBatchOverheadBytes) && !has_whole_batch();
  }

  Bytes rest_;
};

}  // namespace tidelog::proto
