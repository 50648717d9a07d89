#pragma once

#include "proto/record/builder.h"
#include "proto/record/reader.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::testing {

using Text = std::optional<std::string>;  ///< Nothing: null.

struct PlainRecord {
  Offset offset;
  TimestampMs timestamp{1000};
  Text key;
  Text value;
  std::vector<std::pair<std::string, Text>> headers{};
  bool operator==(const PlainRecord&) const = default;
};

/// A batch with everything it says, as plain values: what tests compare.
struct PlainBatch {
  Offset base;
  Offset last;
  LeaderEpoch epoch{0};
  proto::Codec codec = proto::Codec::none;
  ProducerId producer{-1};
  std::int16_t producer_epoch = -1;
  std::int32_t sequence = -1;
  bool is_transactional = false;
  bool is_control = false;
  bool has_append_time = false;
  std::optional<TimestampMs> horizon{};
  TimestampMs max_timestamp{-1};
  std::vector<PlainRecord> records{};
  bool operator==(const PlainBatch&) const = default;

  [[nodiscard]] bool is_filler() const { return records.empty() && producer.value < 0 && !is_control; }
};

inline Bytes bytes_of(const Text& text) { return text ? std::as_bytes(std::span(text->data(), text->size())) : Bytes{}; }
inline Text text_of(Bytes bytes) {
  if (bytes.data() == nullptr) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

inline std::vector<std::byte> encode(const PlainBatch& batch) {
  proto::BatchBuilder builder;
  if (batch.horizon) builder.set_base_timestamp(*batch.horizon);
  for (const PlainRecord& record : batch.records) {
    std::vector<proto::RecordHeader> headers;
    for (const auto& [name, value] : record.headers) headers.push_back({name, bytes_of(value)});
    builder.append_at(static_cast<std::int32_t>(record.offset - batch.base),
                      {.timestamp = record.timestamp, .key = bytes_of(record.key), .value = bytes_of(record.value), .headers = headers});
  }
  proto::BatchFields fields{.codec = batch.codec,
                            .base_offset = batch.base,
                            .leader_epoch = batch.epoch,
                            .producer_id = batch.producer,
                            .producer_epoch = batch.producer_epoch,
                            .base_sequence = batch.sequence,
                            .is_transactional = batch.is_transactional,
                            .is_control = batch.is_control,
                            .has_delete_horizon = batch.horizon.has_value(),
                            .last_offset_delta = static_cast<std::int32_t>(batch.last - batch.base),
                            .max_timestamp = batch.max_timestamp};
  if (batch.has_append_time) fields.log_append_time = batch.max_timestamp;
  const Bytes bytes = builder.build(fields);
  return {bytes.begin(), bytes.end()};
}

/// Takes bytes apart; fails the test where they are not whole, valid batches without a gap between them.
inline std::vector<PlainBatch> decode_all(Bytes bytes) {
  std::vector<PlainBatch> batches;
  proto::RecordReader reader;
  while (!bytes.empty()) {
    const Result<proto::BatchView> view = proto::BatchView::parse(bytes);
    if (!view || !view->crc_ok() || !view->is_consistent()) {
      ADD_FAILURE() << "invalid after " << batches.size() << " batches";
      return batches;
    }
    PlainBatch batch{.base = view->base_offset(),
                     .last = view->last_offset(),
                     .epoch = view->leader_epoch(),
                     .codec = view->codec(),
                     .producer = view->producer_id(),
                     .producer_epoch = view->producer_epoch(),
                     .sequence = view->base_sequence(),
                     .is_transactional = view->is_transactional(),
                     .is_control = view->is_control(),
                     .has_append_time = view->timestamp_type() == proto::TimestampType::log_append_time,
                     .max_timestamp = view->max_timestamp()};
    if (view->has_delete_horizon()) batch.horizon = view->base_timestamp();
    if (!batches.empty()) EXPECT_EQ(batch.base, batches.back().last + 1) << "a gap";
    const auto add = [&](const proto::RecordView& record) {
      PlainRecord plain{.offset = record.offset, .timestamp = record.timestamp, .key = text_of(record.key), .value = text_of(record.value)};
      for (const proto::RecordHeader& header : record.headers) plain.headers.emplace_back(std::string(header.name), text_of(header.value));
      batch.records.push_back(std::move(plain));
    };
    EXPECT_TRUE(proto::for_each_record(*view, reader, add));
    batches.push_back(std::move(batch));
    bytes = bytes.subspan(view->size_bytes());
  }
  return batches;
}

}  // namespace tidelog::testing
