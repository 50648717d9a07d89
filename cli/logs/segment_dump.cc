#include "cli/logs/segment_dump.h"

#include "cli/logs/dump_line.h"
#include "cli/text/utf8.h"
#include "cli/wire/record_summary.h"
#include "proto/record/reader.h"
#include "storage/log/batch_header.h"

#include <algorithm>
#include <vector>

namespace tidelog::cli {
namespace {

/// A topic's max.message.bytes may let a batch open to more than readers take by default.
constexpr proto::DecompressLimit kOpened{.max_bytes = std::size_t{1} << 30};

/// One segment on its way out.
class SegmentDump {
 public:
  SegmentDump(const storage::File& file, const DumpStyle& style, TextOut& out) : file_(file), style_(style), out_(out) {}

  Result<bool> run();

 private:
  [[nodiscard]] DumpLine line(std::string_view type) const { return {style_.is_json, type}; }
  void stop(std::uint64_t left, std::string_view why);
  Result<void> read(std::size_t size_bytes);
  void show(const BatchSummary& batch);
  void show_records();

  const storage::File& file_;
  const DumpStyle& style_;
  TextOut& out_;
  std::uint64_t position_ = 0;
  std::vector<std::byte> bytes_;
  proto::RecordReader reader_;
  bool is_whole_ = true;
};

/// The bytes of the batch at `position_`: no more than the file was seen to have.
Result<void> SegmentDump::read(std::size_t size_bytes) {
  bytes_.resize(size_bytes);
  const Result<std::size_t> got = file_.read_at(position_, bytes_);
  if (!got) return got.error();
  bytes_.resize(*got);
  return {};
}

void SegmentDump::stop(std::uint64_t left, std::string_view why) {
  out_.put(line("damage").field("position", position_).field("bytes", left).field("cause", why).text());
  is_whole_ = false;
}

Result<bool> SegmentDump::run() {
  const Result<std::uint64_t> size = file_.size();
  if (!size) return size.error();
  while (position_ < *size && out_.is_open()) {
    const std::uint64_t left = *size - position_;
    if (const Result<void> done = read(static_cast<std::size_t>(std::min<std::uint64_t>(left, proto::kBatchHeaderBytes))); !done)
      return done.error();
    const Result<storage::BatchHeader> header = storage::parse_batch_header(bytes_);
    if (!header) return stop(left, "no batch begins here"), false;
    if (header->size_bytes > left) return stop(left, "a batch that is cut"), false;
    if (const Result<void> done = read(header->size_bytes); !done) return done.error();
    summarise_records(bytes_, [this](const BatchSummary& batch) { show(batch); });
    if (style_.shows_records) show_records();
    position_ += header->size_bytes;
  }
  return is_whole_;
}

void SegmentDump::show(const BatchSummary& batch) {
  is_whole_ = is_whole_ && batch.is_crc_good;
  DumpLine text = line("batch");
  text.field("position", position_).field("base_offset", batch.base_offset).field("last_offset", batch.last_offset);
  text.field("records", batch.count).field("bytes", batch.size_bytes).field("leader_epoch", batch.leader_epoch);
  text.word("codec", batch.codec).word("crc", batch.is_crc_good ? "good" : "bad");
  text.field("producer_id", batch.producer_id).field("producer_epoch", batch.producer_epoch).field("base_sequence", batch.base_sequence);
  text.field("base_timestamp", batch.base_timestamp_ms).field("max_timestamp", batch.max_timestamp_ms);
  text.word("timestamp_type", batch.is_log_append_time ? "LogAppendTime" : "CreateTime");
  text.field("transactional", batch.is_transactional).field("control", batch.is_control);
  out_.put(text.text());
}

void put_bytes(DumpLine& line, std::string_view name, Bytes bytes) {
  if (bytes.data() == nullptr) return;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (is_utf8(text)) {
    line.field(name, text);
  } else {
    line.word(std::string(name) + "_base64", to_base64(text));
  }
}

void SegmentDump::show_records() {
  const Result<proto::BatchView> batch = proto::BatchView::parse(bytes_);
  const auto show = [this](const proto::RecordView& record) {
    DumpLine text = line("record");
    text.field("offset", record.offset.value).field("timestamp", record.timestamp.value);
    put_bytes(text, "key", record.key);
    put_bytes(text, "value", record.value);
    out_.put(text.text());
  };
  const Result<void> done = !batch ? Result<void>(batch.error()) : proto::for_each_record(*batch, reader_, show, kOpened);
  if (!done) stop(bytes_.size(), "its records cannot be read");
}

}  // namespace

Result<bool> dump_segment(const storage::File& file, const DumpStyle& style, TextOut& out) { return SegmentDump(file, style, out).run(); }

}  // namespace tidelog::cli
