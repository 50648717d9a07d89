#include "cli/text/json.h"
#include "cli/wire/form.h"
#include "cli/wire/frame_printer.h"
#include "cli/wire/record_summary.h"
#include "cli/wire/text_out.h"
#include "proto/codec/api_table.h"
#include "proto/error_code.h"

#include <cstdio>

namespace tidelog::cli {
namespace {

constexpr std::size_t kPreviewBytes = 32;

/// Frames for people: a line that says what it is, then a line a field, deeper ones further in.
class TextPrinter : public FramePrinter {
 public:
  explicit TextPrinter(TextOut& out) : out_(out) {}

  void begin_frame(const FrameHead& head) override;
  void begin_body() override { depth_ = 0; }
  void opaque(Bytes body) override;
  void unread(std::size_t count) override { out_.put("  (" + std::to_string(count) + " bytes behind the message)\n"); }
  void failure(const WalkFailure& failure) override;
  void end_frame() override { end_line(); }
  void remark(const FrameOrigin& origin, std::string_view text) override {
    put_origin(origin);
    out_.put("-- ").put(text).put("\n");
  }

  void field(std::string_view name) override {
    name_ = name;
    start_line();
    out_.put(name).put(":");
    is_value_due_ = true;
  }
  void begin_struct() override {
    // The message itself has no line, a struct in a struct goes on in the next, one in an array begins with a dash.
    const bool is_field = is_value_due_;
    if (is_field) end_line();
    is_first_of_element_ = !is_field && depth_ > 0;
    ++depth_;
  }
  void end_struct() override {
    if (is_first_of_element_) {
      start_line();
      out_.put("(nothing)");
    }
    end_line();
    --depth_;
  }
  void begin_array(std::size_t count, bool of_structs) override;
  void end_array() override {
    if (is_inline_)
      out_.put("]");
    else
      --depth_;
    is_inline_ = false;
    end_line();
  }
  void null() override { value("null"); }
  void number(std::int64_t number) override;
  void real(double number) override {
    char text[32];
    std::snprintf(text, sizeof text, "%g", number);
    value(text);
  }
  void boolean(bool flag) override { value(flag ? "true" : "false"); }
  void uuid(const Uuid& id) override { value(id.to_string()); }
  void text(std::string_view text) override {
    std::string quoted;
    append_json_string(quoted, text);
    value(quoted);
  }
  void bytes(Bytes bytes) override { value(shortened(bytes)); }
  void records(Bytes records) override;
  void unknown_tag(std::uint32_t tag, Bytes bytes) override {
    field("tag " + std::to_string(tag) + " (unknown)");
    value(shortened(bytes));
  }

 private:
  static std::string shortened(Bytes bytes);
  static std::string batch_text(const BatchSummary& batch);
  void put_origin(const FrameOrigin& origin);

  void start_line() {
    end_line();
    std::string& line = out_.tail();
    line.append(2 * depth_, ' ');
    if (is_first_of_element_) line.replace(line.size() - 2, 2, "- ");
    is_first_of_element_ = false;
    is_line_open_ = true;
  }
  void end_line() {
    if (is_line_open_) out_.put("\n");
    is_line_open_ = false;
    is_value_due_ = false;
  }
  void value(std::string_view text) {
    const bool is_element = !is_value_due_;
    out_.put(is_element ? is_first_element_ ? "" : ", " : " ").put(text);
    is_first_element_ = false;
    is_value_due_ = false;
    if (!is_inline_) end_line();
  }

  TextOut& out_;
  std::size_t depth_ = 0;
  std::string name_;  ///< Of the field that is being written.
  bool is_line_open_ = false;
  bool is_value_due_ = false;
  bool is_inline_ = false;  ///< In an array of plain values, which stay in one line.
  bool is_first_element_ = false;
  bool is_first_of_element_ = false;  ///< The next line is the first of a struct in an array.
};

void TextPrinter::put_origin(const FrameOrigin& origin) {
  if (origin.time_ns) out_.put(utc_text(*origin.time_ns)).put(" ");
  if (!origin.from.empty()) out_.put(origin.from).put(" > ").put(origin.to).put(" ");
}

void TextPrinter::begin_frame(const FrameHead& head) {
  is_line_open_ = is_value_due_ = is_inline_ = is_first_of_element_ = false;
  depth_ = 0;
  put_origin(head.origin);
  out_.put(head.type);
  if (!head.api.empty()) out_.put(" ").put(head.api);
  if (head.api.empty() && head.api_key) out_.put(" of unknown API " + std::to_string(*head.api_key));
  if (head.api_version) out_.put(" v" + std::to_string(*head.api_version));
  if (head.correlation_id) out_.put(" correlation " + std::to_string(*head.correlation_id));
  if (head.client_id) {
    std::string quoted;
    append_json_string(quoted, *head.client_id);
    out_.put(" client ").put(head.client_id->data() == nullptr ? "null" : quoted);
  }
  out_.put(" " + std::to_string(head.size_bytes) + " bytes at " + std::to_string(head.offset));
  if (head.latency_ns) {
    char text[32];
    std::snprintf(text, sizeof text, " after %.3f ms", static_cast<double>(*head.latency_ns) / 1e6);
    out_.put(text);
  }
  out_.put("\n");
}

std::string TextPrinter::shortened(Bytes bytes) {
  std::string text = std::to_string(bytes.size()) + " bytes";
  if (bytes.empty()) return text;
  text += " ";
  append_hex(text, bytes, kPreviewBytes);
  return bytes.size() > kPreviewBytes ? text + "..." : text;
}

void TextPrinter::opaque(Bytes body) { out_.put("  not decoded: ").put(shortened(body)).put("\n"); }

void TextPrinter::failure(const WalkFailure& failure) {
  end_line();
  out_.put("  !! does not decode at byte " + std::to_string(failure.at));
  if (!failure.field.empty()) out_.put(", ").put(failure.field);
  out_.put(": ").put(failure.what).put("\n");
}

void TextPrinter::begin_array(std::size_t count, bool of_structs) {
  is_value_due_ = false;
  is_inline_ = !of_structs || count == 0;
  is_first_element_ = true;
  if (is_inline_) {
    out_.put(" [");
    return;
  }
  out_.put(" " + std::to_string(count));
  end_line();
  ++depth_;
}

void TextPrinter::number(std::int64_t number) {
  std::string text = std::to_string(number);
  // What every answer is looked at for, and what nobody knows by heart.
  if (name_ == "errorCode" && number != 0) text.append(" (").append(name(static_cast<ErrorCode>(number))).append(")");
  const proto::ApiInfo* api = name_ == "apiKey" ? proto::find_api(static_cast<std::int16_t>(number)) : nullptr;
  if (api != nullptr) text.append(" (").append(api->name).append(")");
  value(text);
}

std::string TextPrinter::batch_text(const BatchSummary& batch) {
  std::string text = "batch of offsets " + std::to_string(batch.base_offset) + " to " + std::to_string(batch.last_offset) + ": " +
                     std::to_string(batch.count) + (batch.count == 1 ? " record, " : " records, ");
  text.append(batch.codec).append(", ").append(std::to_string(batch.size_bytes)).append(" bytes, CRC ");
  text.append(batch.is_crc_good ? "good" : "BAD").append(", leader epoch ").append(std::to_string(batch.leader_epoch));
  if (batch.producer_id >= 0) {
    text.append(", producer ").append(std::to_string(batch.producer_id)).append(" epoch ").append(std::to_string(batch.producer_epoch));
    text.append(" sequence ").append(std::to_string(batch.base_sequence));
  }
  text.append(batch.is_log_append_time ? ", LogAppendTime " : ", CreateTime ").append(utc_text_ms(batch.base_timestamp_ms));
  if (batch.max_timestamp_ms != batch.base_timestamp_ms) text.append(" to ").append(utc_text_ms(batch.max_timestamp_ms));
  if (batch.is_transactional) text += ", transactional";
  if (batch.is_control) text += ", control";
  return text;
}

void TextPrinter::records(Bytes records) {
  value(std::to_string(records.size()) + " bytes");
  ++depth_;
  const auto put_line = [this](const std::string& text) {
    start_line();
    out_.put(text);
    end_line();
  };
  const RecordsRest rest = summarise_records(records, [&](const BatchSummary& batch) { put_line(batch_text(batch)); });
  if (rest.size_bytes > 0) put_line(std::to_string(rest.size_bytes) + " bytes more: " + rest.what);
  --depth_;
}

}  // namespace

std::unique_ptr<FramePrinter> make_text_printer(TextOut& out) { return std::make_unique<TextPrinter>(out); }

}  // namespace tidelog::cli
