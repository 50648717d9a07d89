#pragma once

#include "client/net/frame_reader.h"
#include "proto/record/batch_cursor.h"
#include "proto/record/reader.h"
#include <tidelog/consumer.h>

#include <memory>
#include <string>
#include <vector>

namespace tidelog::core {

/// What a partition's part of a fetch answer holds, on its way to the user.
struct Slice {
  std::shared_ptr<struct AssignedPartition> partition;
  Frame frame;  ///< Holds `records`.
  Bytes records;
  std::int64_t from = 0;  ///< The offset asked for: batches may begin before it.
};

/// A record batch the user holds: views, and all that they point to.
class BatchData {
 public:
  BatchData(std::shared_ptr<const std::string> topic, Frame frame) : topic_(std::move(topic)), frame_(std::move(frame)) {}

  /// Adds the records of `batch` with from <= offset < until. The batch's bytes lie in the frame.
  Result<void> add(const proto::BatchView& batch, std::int32_t partition, std::int64_t from, std::int64_t until);
  /// Binds the header views; the last call before it is handed out.
  void finish();

  [[nodiscard]] const std::vector<record_view>& records() const { return records_; }
  /// Bytes of the batches added, as they were after decompression.
  [[nodiscard]] std::size_t size_bytes() const { return size_bytes_; }

 private:
  struct HeaderRange {
    std::size_t record;
    std::size_t first;
    std::size_t count;
  };
  void add_record(const proto::RecordView& record, std::int32_t partition);
  void drop_records_from(std::size_t first);

  std::shared_ptr<const std::string> topic_;
  Frame frame_;
  std::vector<std::unique_ptr<proto::RecordReader>> readers_;  ///< They hold what was decompressed.
  std::vector<record_view> records_;
  std::vector<header_view> headers_;
  std::vector<HeaderRange> header_ranges_;
  std::size_t size_bytes_ = 0;
};

}  // namespace tidelog::core
