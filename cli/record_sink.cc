#include "cli/record_sink.h"

#include "cli/record_format.h"
#include "cli/text/json.h"
#include "cli/text/table.h"

#include <unistd.h>

#include <utility>

namespace tidelog::cli {
namespace {

constexpr std::size_t kFlushBytes = 256 << 10;

void append_raw(std::string& out, const record_view& record) { out.append(record.value().text()) += '\n'; }

/// For a terminal, which must not act on what a record holds.
void append_escaped(std::string& out, const record_view& record) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  for (const char letter : record.value().text()) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool is_plain = (byte >= 0x20 && byte != 0x7f) || letter == '\t';
    if (is_plain)
      out += letter;
    else
      ((out += "\\x") += kHexDigits[byte >> 4]) += kHexDigits[byte & 15];
  }
  out += '\n';
}

void append_tsv(std::string& out, const record_view& record) {
  const auto cell = [&out](std::string_view text) {
    for (const char letter : text) {
      if (letter == '\t')
        out += "\\t";
      else if (letter == '\n')
        out += "\\n";
      else if (letter == '\\')
        out += "\\\\";
      else
        out += letter;
    }
  };
  cell(record.topic());
  for (const std::int64_t number : {std::int64_t{record.partition()}, record.offset(), record.timestamp_ms()})
    (out += '\t') += std::to_string(number);
  out += '\t';
  cell(record.key().text());
  out += '\t';
  cell(record.value().text());
  out += '\n';
}

result<RecordSink::Writer> make_writer(const Command& command) {
  const ConsumeOptions& options = command.consume;
  if (!options.record_format.empty()) {
    result<RecordFormat> format = RecordFormat::parse(options.record_format);
    if (!format) return format.error();
    return RecordSink::Writer([format = *std::move(format)](std::string& out, const record_view& record) { format.append(out, record); });
  }
  if (options.is_raw) return RecordSink::Writer(append_raw);
  switch (command.global.format) {
    case Format::json:
      return RecordSink::Writer([is_first = true](std::string& out, const record_view& record) mutable {
        (out += std::exchange(is_first, false) ? "" : ",\n") += record_json(record);
      });
    case Format::jsonl:
      return RecordSink::Writer([](std::string& out, const record_view& record) { (out += record_json(record)) += '\n'; });
    case Format::tsv: return RecordSink::Writer(append_tsv);
    case Format::table: break;
  }
  return ::isatty(STDOUT_FILENO) == 1 ? RecordSink::Writer(append_escaped) : RecordSink::Writer(append_raw);
}

/// With the records, one JSON object: up to the first of them.
std::string head_for(const Command& command) {
  const ConsumeOptions& options = command.consume;
  const bool is_one_object = command.global.format == Format::json && !options.is_raw && options.record_format.empty();
  if (!is_one_object) return {};
  Json head;
  std::string text = head.field("_command", command.path).field("_version", 1).raw("records", "[").text();
  text.pop_back();
  return text;
}

}  // namespace

result<RecordSink> RecordSink::open(const Command& command) {
  result<Writer> writer = make_writer(command);
  if (!writer) return writer.error();
  return RecordSink(command, *std::move(writer));
}

RecordSink::RecordSink(const Command& command, Writer write)
    : write_(std::move(write)),
      head_(head_for(command)),
      limit_(command.consume.count < 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(command.consume.count)) {}

void RecordSink::begin() {
  if (!head_.empty()) print(head_);
}

void RecordSink::end() {
  if (!head_.empty()) print("]}\n");
}

std::size_t RecordSink::take(const record_batch& batch) {
  std::size_t taken = 0;
  for (const record_view& record : batch) {
    if (is_full()) break;
    write_(out_, record);
    ++records_;
    ++taken;
    bytes_ += record.value().size();
  }
  return taken;
}

bool RecordSink::wants_flush() const { return out_.size() >= kFlushBytes; }

bool RecordSink::flush() {
  const bool is_written = out_.empty() || print(out_);
  out_.clear();
  return is_written;
}

}  // namespace tidelog::cli
