#include "proto/record/batch_cursor.h"
#include "proto/record/crc32c.h"
#include "proto/record/reader.h"
#include "proto/record/record_walk.h"
#include "proto/record/validate.h"

#include <cstdlib>
#include <vector>

// Any bytes as record batches: first as they are, then with the checksum made right, or no mutation would ever get past it.
// Properties: nothing is read outside the bytes; what validation accepts a reader reads to its end; stamping keeps a batch sound; records
// taken in runs are judged as one by one.

namespace {

using namespace tidelog;
using namespace tidelog::proto;

constexpr std::size_t kMaxDecompressed = std::size_t{1} << 20;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Touches every byte a record points to, so that the sanitizers see them; whether the batch was read to its end.
bool read_all(const BatchView& batch) {
  static RecordReader reader;
  if (!reader.open(batch, {.max_bytes = kMaxDecompressed})) return false;
  std::int64_t seen = 0;
  unsigned sum = 0;
  RecordView record;
  while (true) {
    const Result<bool> more = reader.next(record);
    if (!more) return false;
    if (!*more) break;
    ++seen;
    for (const std::byte b : record.key) sum += static_cast<unsigned>(b);
    for (const std::byte b : record.value) sum += static_cast<unsigned>(b);
    std::size_t headers = 0;
    for (const RecordHeader& header : record.headers) headers += 1 + 0 * header.name.size();
    require(headers == record.headers.size());
  }
  require(seen == batch.record_count());
  return sum < 0xffffffff;
}

ValidationRules rules_from(std::uint8_t bits) {
  ValidationRules rules;
  rules.max_decompressed_bytes = kMaxDecompressed;
  rules.is_compacted = (bits & 1) != 0;
  rules.inspect_compressed = true;
  rules.allow_control = (bits & 2) != 0;
  rules.has_transactional_id = (bits & 4) != 0;
  rules.timestamp_type = (bits & 8) != 0 ? TimestampType::log_append_time : TimestampType::create_time;
  rules.now = {1'700'000'000'000};
  if ((bits & 16) != 0) rules.timestamp_before_max_ms = 86'400'000;
  return rules;
}

/// Whatever is before the records: only they are looked at.
void walk_both_ways(Bytes bytes, const ValidationRules& rules) {
  const Result<BatchView> batch = BatchView::parse(bytes);
  if (!batch) return;
  const Result<TimestampMs, BatchError> in_runs = walk_records(*batch, batch->payload(), rules);
  const Result<TimestampMs, BatchError> one_by_one = walk_records_one_by_one(*batch, batch->payload(), rules);
  require(in_runs.has_value() == one_by_one.has_value());
  if (in_runs) return require(*in_runs == *one_by_one);
  require(in_runs.error().code == one_by_one.error().code && in_runs.error().message == one_by_one.error().message);
  require(in_runs.error().record_indexes == one_by_one.error().record_indexes);
}

void judge(Bytes bytes, const ValidationRules& rules) {
  const Result<CheckedBatch, BatchError> checked = validate_produce(bytes, rules);
  if (!checked) {
    require(checked.error().code != ErrorCode::none && !checked.error().message.empty());
    return;
  }
  const BatchView& batch = checked->batch;
  require(batch.is_consistent() && read_all(batch));
  std::vector<std::byte> stored(batch.bytes().begin(), batch.bytes().end());
  if (checked->needs_correction) BatchView::set_max_timestamp(stored, checked->max_timestamp);
  const Result<CheckedBatch, BatchError> again = validate_produce(stored, rules);
  require(again && !again->needs_correction);
  BatchView::stamp(stored, Offset{42}, LeaderEpoch{7});
  require(BatchView::parse(stored)->crc_ok());
}

void walk(Bytes bytes) {
  BatchCursor cursor(bytes);
  while (true) {
    const Result<std::optional<BatchView>> batch = cursor.next();
    if (!batch || !*batch) return;
    static_cast<void>(read_all(**batch));
    static_cast<void>((*batch)->is_consistent());
    static_cast<void>((*batch)->last_sequence());
  }
}

/// Makes lengths and checksum agree with the bytes there are.
void mend(std::vector<std::byte>& bytes) {
  if (bytes.size() < kBatchHeaderBytes) return;
  store_be(bytes.data() + batch_field::kBatchLength, static_cast<std::int32_t>(bytes.size() - kBatchOverheadBytes));
  store_be(bytes.data() + batch_field::kMagic, kBatchMagic);
  store_be(bytes.data() + batch_field::kCrc, crc32c(Bytes(bytes).subspan(batch_field::kAttributes)));
}

}  // namespace

/// The first byte chooses the rules, the rest are batches.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes given = std::as_bytes(std::span(data + 1, size - 1));
  const ValidationRules rules = rules_from(data[0]);
  walk(given);
  judge(given, rules);
  std::vector<std::byte> mended(given.begin(), given.end());
  mend(mended);
  walk(mended);
  judge(mended, rules);
  walk_both_ways(mended, rules);
  return 0;
}
