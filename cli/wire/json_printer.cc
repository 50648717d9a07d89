#include "cli/text/json.h"
#include "cli/wire/form.h"
#include "cli/wire/frame_printer.h"
#include "cli/wire/record_summary.h"
#include "cli/wire/text_out.h"

#include <cmath>

namespace tidelog::cli {
namespace {

constexpr std::size_t kPreviewBytes = 64;
constexpr std::size_t kHexPiece = 16 * 1024;

class JsonPrinter : public FramePrinter {
 public:
  explicit JsonPrinter(TextOut& out) : out_(out) {}

  void begin_frame(const FrameHead& head) override;
  void begin_body() override { field("body"); }
  void opaque(Bytes body) override;
  void unread(std::size_t count) override { member("unread_bytes", static_cast<std::int64_t>(count)); }
  void failure(const WalkFailure& failure) override;
  void end_frame() override {
    close_all();
    out_.put("\n");
  }
  void remark(const FrameOrigin& origin, std::string_view text) override;

  void field(std::string_view name) override {
    begin_value();
    append_json_string(out_.tail(), name);
    out_.put(":");
    needs_comma_ = false;
    awaits_value_ = true;
  }
  void begin_struct() override { open('{'); }
  void end_struct() override { close(); }
  void begin_array(std::size_t, bool) override { open('['); }
  void end_array() override { close(); }
  void null() override { raw("null"); }
  void number(std::int64_t value) override { raw(std::to_string(value)); }
  void real(double value) override;
  void boolean(bool value) override { raw(value ? "true" : "false"); }
  void uuid(const Uuid& value) override { string(value.to_string()); }
  void text(std::string_view value) override { string(value); }
  void bytes(Bytes value) override;
  void records(Bytes value) override;
  void unknown_tag(std::uint32_t tag, Bytes value) override {
    field("tag " + std::to_string(tag));
    bytes(value);
  }

 private:
  void begin_value() {
    if (needs_comma_) out_.put(",");
    needs_comma_ = true;
    awaits_value_ = false;
  }
  void raw(std::string_view value) {
    begin_value();
    out_.put(value);
  }
  void string(std::string_view value) {
    begin_value();
    append_json_string(out_.tail(), value);
    out_.settle();
  }
  void member(std::string_view name, std::int64_t value) {
    field(name);
    number(value);
  }
  void member(std::string_view name, std::string_view value) {
    field(name);
    string(value);
  }
  void member_flag(std::string_view name, bool value) {
    field(name);
    boolean(value);
  }
  void open(char bracket) {
    raw({&bracket, 1});
    open_ += bracket;
    needs_comma_ = false;
  }
  void close() {
    if (awaits_value_) null();
    out_.put(open_.back() == '{' ? "}" : "]");
    open_.pop_back();
    needs_comma_ = true;
  }
  void close_all() {
    while (!open_.empty()) close();
  }
  void origin(const FrameOrigin& from);
  void batch(const BatchSummary& batch);

  TextOut& out_;
  std::string open_;  ///< The brackets that wait for their end.
  bool needs_comma_ = false;
  bool awaits_value_ = false;
};

void JsonPrinter::origin(const FrameOrigin& from) {
  if (from.time_ns) member("time", utc_text(*from.time_ns));
  if (!from.from.empty()) member("from", from.from);
  if (!from.to.empty()) member("to", from.to);
}

void JsonPrinter::begin_frame(const FrameHead& head) {
  open_.clear();
  needs_comma_ = awaits_value_ = false;
  open('{');
  member("type", head.type);
  origin(head.origin);
  member("offset", static_cast<std::int64_t>(head.offset));
  member("size", static_cast<std::int64_t>(head.size_bytes));
  if (!head.api.empty()) member("api", head.api);
  if (head.api_key) member("api_key", *head.api_key);
  if (head.api_version) member("api_version", *head.api_version);
  if (head.correlation_id) member("correlation_id", *head.correlation_id);
  if (head.client_id) {
    field("client_id");
    head.client_id->data() == nullptr ? null() : string(*head.client_id);
  }
  if (head.latency_ns) member("latency_us", *head.latency_ns / 1'000);
}

void JsonPrinter::opaque(Bytes body) {
  member("body_bytes", static_cast<std::int64_t>(body.size()));
  std::string hex;
  append_hex(hex, body, kPreviewBytes);
  member("body_begins", hex);
}

void JsonPrinter::failure(const WalkFailure& failure) {
  while (open_.size() > 1) close();
  if (awaits_value_) null();
  field("error");
  open('{');
  member("offset", static_cast<std::int64_t>(failure.at));
  member("field", failure.field);
  member("message", failure.what);
  close();
}

void JsonPrinter::remark(const FrameOrigin& where, std::string_view text) {
  open_.clear();
  needs_comma_ = awaits_value_ = false;
  open('{');
  member("type", "remark");
  origin(where);
  member("message", text);
  end_frame();
}

void JsonPrinter::real(double value) {
  // JSON has no word for these.
  if (!std::isfinite(value)) return string(std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  raw(text);
}

void JsonPrinter::bytes(Bytes value) {
  raw("\"");
  while (!value.empty()) {
    const Bytes piece = value.first(std::min(kHexPiece, value.size()));
    append_hex(out_.tail(), piece, piece.size());
    out_.settle();
    value = value.subspan(piece.size());
  }
  out_.put("\"");
}

void JsonPrinter::batch(const BatchSummary& batch) {
  open('{');
  member("base_offset", batch.base_offset);
  member("last_offset", batch.last_offset);
  member("count", batch.count);
  member("bytes", static_cast<std::int64_t>(batch.size_bytes));
  member("codec", batch.codec);
  member_flag("crc_good", batch.is_crc_good);
  member("leader_epoch", batch.leader_epoch);
  member("producer_id", batch.producer_id);
  member("producer_epoch", batch.producer_epoch);
  member("base_sequence", batch.base_sequence);
  member("timestamp_type", batch.is_log_append_time ? "LogAppendTime" : "CreateTime");
  member("base_timestamp", batch.base_timestamp_ms);
  member("max_timestamp", batch.max_timestamp_ms);
  member_flag("transactional", batch.is_transactional);
  member_flag("control", batch.is_control);
  close();
}

void JsonPrinter::records(Bytes value) {
  open('{');
  member("bytes", static_cast<std::int64_t>(value.size()));
  field("batches");
  open('[');
  const RecordsRest rest = summarise_records(value, [this](const BatchSummary& one) { batch(one); });
  close();
  if (rest.size_bytes > 0) {
    member("rest_bytes", static_cast<std::int64_t>(rest.size_bytes));
    member("rest", rest.what);
  }
  close();
}

}  // namespace

std::unique_ptr<FramePrinter> make_json_printer(TextOut& out) { return std::make_unique<JsonPrinter>(out); }

}  // namespace tidelog::cli
