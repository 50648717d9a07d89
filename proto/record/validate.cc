#include "proto/record/validate.h"

#include "proto/record/record_walk.h"

#include <optional>
#include <utility>

namespace tidelog::proto {
namespace {

/// The least size a batch of any format can state; below it there is no telling where the next one begins.
constexpr std::int32_t kLeastLegacyLength = 14;
constexpr std::int16_t kFirstZstdVersion = 7;

BatchError refuse(ErrorCode code, std::string message) { return {.code = code, .message = std::move(message), .record_indexes = {}}; }

BatchError invalid(std::string message) { return refuse(ErrorCode::invalid_record, std::move(message)); }

enum class Front : std::uint8_t { whole, cut, corrupt };

/// What stands at the front of `bytes`, of any format, in the order in which Kafka looks.
Front front_of(Bytes bytes, std::size_t& size) {
  if (bytes.size() < kBatchOverheadBytes) return Front::cut;
  const auto length = load_be<std::int32_t>(bytes.data() + batch_field::kBatchLength);
  if (length < kLeastLegacyLength) return Front::corrupt;
  if (bytes.size() <= batch_field::kMagic) return Front::cut;
  const auto magic = load_be<std::int8_t>(bytes.data() + batch_field::kMagic);
  if (magic < 0 || magic > kBatchMagic) return Front::corrupt;
  size = kBatchOverheadBytes + static_cast<std::size_t>(length);
  return size <= bytes.size() ? Front::whole : Front::cut;
}

Result<BatchView, BatchError> parse_whole(Bytes bytes) {
  const Result<BatchView> batch = BatchView::parse(bytes);
  if (batch) return *batch;
  if (batch.error() == Errc::unsupported)
    return invalid("Records in format 0 or 1 are not stored. Use a client that writes format 2 (Kafka 0.11 or later).");
  return refuse(ErrorCode::corrupt_message,
                "The batch length is shorter than a batch header. The client or the network damaged the batch; send it again.");
}

Result<BatchView, BatchError> find_batch(Bytes records) {
  if (records.data() == nullptr) return invalid("The records of the partition are null. Send exactly one record batch per partition.");
  std::size_t size = 0;
  switch (front_of(records, size)) {
    case Front::whole: break;
    case Front::cut: return invalid("There is no whole record batch. Send exactly one record batch per partition, all of its bytes.");
    case Front::corrupt:
      return refuse(ErrorCode::corrupt_message,
                    "The bytes do not begin a record batch: its length or format (magic) is impossible. Send format 2.");
  }
  const Bytes behind = records.subspan(size);
  std::size_t next_size = 0;
  switch (front_of(behind, next_size)) {
    case Front::whole: return invalid("There is more than one record batch for the partition. Send exactly one in a request.");
    case Front::corrupt:
      return refuse(ErrorCode::corrupt_message, "Bytes that are no record batch follow the record batch. Send exactly one.");
    case Front::cut: break;
  }
  return parse_whole(records.first(size));
}

std::optional<BatchError> check_envelope(const BatchView& batch, const ValidationRules& rules) {
  if (!batch.crc_ok()) {
    return refuse(ErrorCode::corrupt_message, "The checksum (CRC-32C) of the batch is wrong: it was damaged on its way. Send it again.");
  }
  if (std::cmp_greater(batch.size_bytes(), rules.max_message_bytes)) {
    return refuse(ErrorCode::message_too_large, "The batch has " + std::to_string(batch.size_bytes()) +
                                                    " bytes; max.message.bytes of the topic is " + std::to_string(rules.max_message_bytes) +
                                                    ". Send smaller batches or raise the limit.");
  }
  return std::nullopt;
}

std::optional<BatchError> check_counts(const BatchView& batch) {
  if (batch.base_offset().value != 0) {
    return invalid("The base offset is " + std::to_string(batch.base_offset().value) +
                   ". A producer must send 0; the leader assigns offsets.");
  }
  if (batch.record_count() <= 0) return invalid("The record count is " + std::to_string(batch.record_count()) + ". A batch needs records.");
  if (batch.last_offset_delta() != batch.record_count() - 1) {
    return invalid("The last offset delta is " + std::to_string(batch.last_offset_delta()) + " in a batch of " +
                   std::to_string(batch.record_count()) + " records. It must be one less than the count.");
  }
  return std::nullopt;
}

std::optional<BatchError> check_producer(const BatchView& batch, const ValidationRules& rules) {
  if (batch.is_transactional() && !rules.has_transactional_id) {
    return refuse(ErrorCode::transactional_id_authorization_failed,
                  "The batch is transactional, but the request has no transactional id. Set transactional.id.");
  }
  if (batch.has_producer_id() && (batch.producer_epoch() < 0 || batch.base_sequence() < 0)) {
    return invalid("The batch has a producer id, but epoch " + std::to_string(batch.producer_epoch()) + " and sequence " +
                   std::to_string(batch.base_sequence()) + ". Both must be 0 or greater.");
  }
  if (batch.is_transactional() && !batch.has_producer_id()) {
    return invalid("The batch is transactional, but has no producer id. Get one with InitProducerId first.");
  }
  return std::nullopt;
}

std::optional<BatchError> check_attributes(const BatchView& batch, const ValidationRules& rules) {
  if ((batch.attributes() & ~kKnownAttributes) != 0) return invalid("The batch sets attribute bits that have no meaning. They must be 0.");
  if (batch.is_control() && !rules.allow_control) return invalid("Control batches are written by brokers only. Clear the control bit.");
  if (!is_known(batch.codec())) {
    return invalid("No codec has the number " + std::to_string(static_cast<int>(batch.codec())) + ". Use gzip, snappy, lz4, zstd or none.");
  }
  if (batch.codec() == Codec::zstd && rules.produce_version < kFirstZstdVersion) {
    return refuse(ErrorCode::unsupported_compression_type,
                  "zstd needs Produce version 7 or later. Update the client or choose another codec.");
  }
  return std::nullopt;
}

std::optional<BatchError> check_header(const BatchView& batch, const ValidationRules& rules) {
  if (std::optional<BatchError> error = check_envelope(batch, rules)) return error;
  if (std::optional<BatchError> error = check_producer(batch, rules)) return error;
  if (std::optional<BatchError> error = check_counts(batch)) return error;
  return check_attributes(batch, rules);
}

Result<TimestampMs, BatchError> check_compressed(const BatchView& batch, const ValidationRules& rules) {
  if (!rules.is_compacted && !rules.inspect_compressed) return check_max_timestamp(batch, rules);
  ByteBuffer records;
  const Result<void> done = decompress(batch.codec(), batch.payload(), records, {.max_bytes = rules.max_decompressed_bytes});
  if (done) return walk_records(batch, records.bytes(), rules);
  const std::string codec{name(batch.codec())};
  if (done.error() != Errc::too_large)
    return invalid("The records are not sound " + codec + " data. Compress them with a conforming library.");
  BatchError error = invalid("Decompressed (" + codec + ") the batch has more than " + std::to_string(rules.max_decompressed_bytes) +
                             " bytes, which is the limit. Send smaller batches.");
  error.opens_to_too_much = true;
  return error;
}

}  // namespace

Result<CheckedBatch, BatchError> check_batch(const BatchView& batch, const ValidationRules& rules) {
  if (std::optional<BatchError> error = check_header(batch, rules)) return *std::move(error);
  const Result<TimestampMs, BatchError> max =
      batch.codec() == Codec::none ? walk_records(batch, batch.payload(), rules) : check_compressed(batch, rules);
  if (!max) return max.error();
  const bool is_right = *max == batch.max_timestamp() && batch.timestamp_type() == TimestampType::create_time;
  return CheckedBatch{
      .batch = batch, .max_timestamp = *max, .needs_correction = rules.timestamp_type == TimestampType::create_time && !is_right};
}

Result<void, BatchError> validate(const BatchView& batch, const ValidationRules& rules) {
  const Result<CheckedBatch, BatchError> checked = check_batch(batch, rules);
  if (!checked) return checked.error();
  return {};
}

Result<CheckedBatch, BatchError> validate_produce(Bytes records, const ValidationRules& rules) {
  const Result<BatchView, BatchError> batch = find_batch(records);
  if (!batch) return batch.error();
  Result<CheckedBatch, BatchError> checked = check_batch(*batch, rules);
  if (checked) return checked;
  BatchError error = std::move(checked.error());
  error.is_about_contents = error.code == ErrorCode::invalid_record || error.code == ErrorCode::invalid_timestamp;
  return error;
}

}  // namespace tidelog::proto
