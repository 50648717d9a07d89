#include "proto/base/endian.h"
#include "proto/record/builder.h"
#include "proto/record/crc32c.h"
#include "storage/log/file_names.h"
#include "storage/log/log.h"
#include "tests/support/memory_files.h"

#include <algorithm>
#include <cstdlib>

// Any bytes as the files of a log, which is then opened, read, written to and opened again. The input: two bytes of choices, four that the
// manifest says, then files, each as its kind, its base offset, its size in two bytes and its bytes.
// Properties: a log is refused, offline or whole; what is whole is read to its end, takes an append, and opens again as it was left.

namespace {

using namespace tidelog;
using namespace tidelog::storage;
namespace field = proto::batch_field;

constexpr const char* kDirectory = "disk/topic-0";
constexpr LogIdentity kIdentity{.topic_id = {.bytes = {std::byte{7}}}, .log_id = 42};
constexpr std::size_t kFileHeaderBytes = 4;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Takes bytes off the front of the input; zeros behind its end.
class Input {
 public:
  explicit Input(Bytes rest) : rest_(rest) {}
  [[nodiscard]] bool has(std::size_t bytes) const { return rest_.size() >= bytes; }
  std::uint8_t byte() { return has(1) ? static_cast<std::uint8_t>(take(1)[0]) : 0; }
  Bytes take(std::size_t at_most) {
    const Bytes taken = rest_.first(std::min(at_most, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  std::uint16_t number() {
    const auto high = static_cast<unsigned>(byte());
    return static_cast<std::uint16_t>(high << 8U | byte());
  }

 private:
  Bytes rest_;
};

/// Makes batches of bytes: offsets that continue from `next`, lengths that end where the bytes do at the latest, checksums that fit.
void make_batches(std::vector<std::byte>& bytes, std::int64_t next) {
  for (std::size_t at = 0; bytes.size() - at >= proto::kBatchHeaderBytes;) {
    std::byte* batch = bytes.data() + at;
    const std::size_t left = bytes.size() - at;
    const auto wanted = static_cast<std::size_t>(load_be<std::uint32_t>(batch + field::kBatchLength)) + proto::kBatchOverheadBytes;
    const std::size_t size = wanted < proto::kBatchHeaderBytes || wanted > left ? left : wanted;
    store_be(batch + field::kBaseOffset, next);
    store_be(batch + field::kBatchLength, static_cast<std::int32_t>(size - proto::kBatchOverheadBytes));
    store_be(batch + field::kMagic, proto::kBatchMagic);
    next += std::max(load_be<std::int32_t>(batch + field::kLastOffsetDelta), 0) + std::int64_t{1};
    const std::size_t checked = field::kAttributes;
    store_be(batch + field::kCrc, proto::crc32c(Bytes(batch + checked, size - checked)));
    at += size;
  }
}

void lay_out_file(Input& input, testing::MemoryFiles& files, bool makes_batches) {
  const std::uint8_t kind = input.byte();
  const Offset base{input.byte()};
  const Bytes given = input.take(input.number());
  std::vector<std::byte> bytes(given.begin(), given.end());
  const auto named = [&](std::string_view suffix) { files.set_contents(offset_file(kDirectory, base, suffix), std::move(bytes)); };
  switch (kind % 6) {
    case 0: return named(kIndexSuffix);
    case 1: return named(kTimeIndexSuffix);
    case 2: return named(kSnapshotSuffix);
    case 3: return files.set_contents(std::string(kDirectory) + "/" + std::string(kEpochFile), std::move(bytes));
    default:
      if (makes_batches) make_batches(bytes, base.value);
      return named(kLogSuffix);
  }
}

/// Reads it whole, as consumers and followers do.
void read_all(Log& log) {
  for (Offset at = log.log_start_offset(); at < log.end_offset();) {
    const Result<Slice> slice = log.read({.from = at, .limit = log.end_offset(), .max_bytes = 1000});
    if (!slice) return;  // Damage below the recovery point shows when it is read.
    require(!slice->empty() && slice->next_offset > at);
    std::vector<std::byte> bytes(slice->size_bytes);
    const Result<std::size_t> got = slice->file->read_at(slice->position, bytes);
    require(got && *got == bytes.size());
    at = slice->next_offset;
  }
}

void ask(Log& log) {
  const Offset end = log.end_offset();
  static_cast<void>(log.offset_for_timestamp({1000}, end).has_value());
  static_cast<void>(log.max_timestamp(end).has_value());
  static_cast<void>(log.end_offset_for_epoch({1}));
  static_cast<void>(log.epoch_at(log.log_start_offset()));
  static_cast<void>(log.producers().entries());
  static_cast<void>(log.size_bytes().has_value());
}

void append_one(Log& log) {
  proto::BatchBuilder builder;
  builder.append({.timestamp = {2000}, .key = {}, .value = {}, .headers = {}});
  const Offset end = log.end_offset();
  const Bytes batch = builder.build({.base_offset = end, .leader_epoch = std::max(log.latest_epoch(), LeaderEpoch{0})});
  const std::array<Bytes, 1> batches{batch};
  const Result<Offset> now = log.append(batches);
  require(!now || *now == end + 1);
}

OpenRequest request_from(Input& input) {
  OpenRequest request{.identity = kIdentity};
  const std::uint8_t choices = input.byte();
  request.recovery.full_check = (choices & 1) != 0;
  request.recovery.was_clean = (choices & 2) != 0;
  RecoveryPoint known{.log_start = {input.byte()}, .offset = {input.byte()}, .segment_base = {input.byte()}};
  known.position = std::uint64_t{input.byte()} * (proto::kBatchHeaderBytes + 7);
  // A manifest has a checksum, so what it says was true once: there are records in a segment where there are bytes.
  const bool has_records = known.offset > known.segment_base;
  if ((choices & 4) != 0 && known.offset >= known.segment_base && has_records == (known.position > 0)) request.recovery.known = known;
  return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Input input(std::as_bytes(std::span(data, size)));
  const bool makes_batches = (input.byte() & 1) == 0;
  const OpenRequest request = request_from(input);
  testing::MemoryFiles files;
  const LogPlace place{.files = &files, .directory = kDirectory};
  const LogConfig config{.segment_bytes = 2000, .index_interval_bytes = 100, .max_producers = 10};
  if (!Log::create(place, kIdentity, config)) std::abort();
  while (input.has(kFileHeaderBytes)) lay_out_file(input, files, makes_batches);

  RecoveryReport report;
  const auto log = Log::open(place, config, request, report);
  if (!log || (*log)->is_offline()) return 0;
  require((*log)->log_start_offset() <= (*log)->end_offset());
  ask(**log);
  if (!(*log)->is_offline()) read_all(**log);
  if (!(*log)->is_offline()) append_one(**log);
  if ((*log)->is_offline()) return 0;

  const SyncTicket ticket = (*log)->begin_sync();
  static_cast<void>((*log)->checkpoint().has_value());
  require(ticket.sync(files).has_value());
  (*log)->finish_sync(ticket);
  const Offset end = (*log)->end_offset();
  OpenRequest again{.identity = kIdentity};
  again.recovery.known = (*log)->recovery_state();
  (*log)->close();
  const auto reopened = Log::open(place, config, again, report);
  require(reopened && ((*reopened)->is_offline() || (*reopened)->end_offset() == end));
  return 0;
}
