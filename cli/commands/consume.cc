#include "cli/commands/commands.h"
#include "cli/interrupt.h"
#include "cli/offset_range.h"
#include "cli/progress.h"
#include "cli/record_format.h"
#include "cli/text/json.h"
#include "cli/text/table.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

namespace tidelog::cli {
namespace {

constexpr std::size_t kFlushBytes = 256 << 10;
constexpr std::chrono::milliseconds kPollWait{200};
/// Without progress for this long, a read up to a known end has failed; `--timeout` changes it.
constexpr std::chrono::milliseconds kPatience{60'000};

using Writer = std::function<void(std::string& out, const record_view& record)>;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

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

result<Writer> make_writer(const Command& command) {
  const ConsumeOptions& options = command.consume;
  if (!options.record_format.empty()) {
    result<RecordFormat> format = RecordFormat::parse(options.record_format);
    if (!format) return format.error();
    return Writer([format = *std::move(format)](std::string& out, const record_view& record) { format.append(out, record); });
  }
  if (options.is_raw) return Writer(append_raw);
  switch (command.global.format) {
    case Format::json:
      return Writer([is_first = true](std::string& out, const record_view& record) mutable {
        (out += std::exchange(is_first, false) ? "" : ",\n") += record_json(record);
      });
    case Format::jsonl: return Writer([](std::string& out, const record_view& record) { (out += record_json(record)) += '\n'; });
    case Format::tsv: return Writer(append_tsv);
    case Format::table: break;
  }
  return ::isatty(STDOUT_FILENO) == 1 ? Writer(append_escaped) : Writer(append_raw);
}

result<std::vector<assignment>> plan(tidelog::admin& admin, const ConsumeOptions& options) {
  OffsetRange range;
  if (!options.offsets.empty()) {
    result<OffsetRange> parsed = parse_offset_range(options.offsets, now_ms());
    if (!parsed) return parsed.error();
    range = *parsed;
  } else if (options.follows && !options.from_beginning) {
    range.from = offset_spec::end();
  }
  if (!range.until && !options.follows) range.until = offset_spec::end();
  const result<topic_info> topic = admin.describe_topic(options.topic);
  if (!topic) return topic.error();
  std::vector<std::int32_t> partitions = options.partitions;
  if (partitions.empty()) {
    for (const partition_info& partition : topic->partitions()) partitions.push_back(partition.index());
  }
  std::sort(partitions.begin(), partitions.end());
  partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
  std::vector<assignment> all;
  for (const std::int32_t partition : partitions) {
    all.emplace_back(options.topic, partition, range.from);
    if (range.until) all.back().until(*range.until);
  }
  return all;
}

struct Read {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

/// Copies records to stdout until the end, the count, an interrupt or an error.
int copy(const Command& command, consumer& from, const Writer& write, Read& read) {
  const ConsumeOptions& options = command.consume;
  const auto patience = command.global.timeout_ms > 0 ? std::chrono::milliseconds(command.global.timeout_ms) : kPatience;
  const auto limit = options.count < 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(options.count);
  Progress progress(command.global, "consuming");
  std::string out;
  const auto flush = [&out] {
    const bool is_written = out.empty() || print(out);
    out.clear();
    return is_written;
  };
  auto last_news = std::chrono::steady_clock::now();
  while (read.records < limit && !from.finished() && !was_interrupted()) {
    const result<record_batch> batch = from.poll(kPollWait);
    if (!batch) {
      flush();
      return fail(command.global, batch.error());
    }
    for (const record_view& record : *batch) {
      if (read.records == limit) break;
      write(out, record);
      ++read.records;
      read.bytes += record.value().size();
    }
    const bool is_idle = batch->empty();
    if ((is_idle || out.size() >= kFlushBytes || options.follows) && !flush()) return kFailed;
    const auto now = std::chrono::steady_clock::now();
    if (!is_idle) last_news = now;
    if (is_idle && !options.follows && !from.finished() && now - last_news > patience) {
      const std::optional<error> trouble = from.trouble();
      return fail(command.global, trouble ? *trouble
                                          : error(errc::timed_out, "the broker sends no more records before the end")
                                                .set_hint("it may be busy; a longer --timeout waits longer")
                                                .set_topic(options.topic));
    }
    progress.update(read.records, read.bytes);
  }
  if (!flush()) return kFailed;
  return was_interrupted() ? kInterrupted : kOk;
}

}  // namespace

int run_consume(const Command& command) {
  const GlobalOptions& global = command.global;
  const ConsumeOptions& options = command.consume;
  if (options.topic.empty()) return fail_usage(global, "which topic?", "tidelog consume TOPIC");
  if (!options.group.empty())
    return fail_usage(global, "--group is not supported yet: consumer groups are not there", "read without it: -o start:end");
  const result<Writer> writer = make_writer(command);
  if (!writer) return fail(global, writer.error());
  config defaults;
  defaults.set("allow.auto.create.topics", "false").set("max.partition.fetch.bytes", std::to_string(4 << 20));
  result<client> client = open_client(global, defaults);
  if (!client) return fail(global, client.error());
  tidelog::admin admin = client->admin();
  const result<std::vector<assignment>> partitions = plan(admin, options);
  if (!partitions) return fail(global, partitions.error());
  consumer from = client->make_consumer();
  if (const result<void> assigned = from.assign(*partitions); !assigned) return fail(global, assigned.error());
  catch_interrupts();
  const Progress clock(global, "consumed");
  const bool is_one_object = global.format == Format::json && !options.is_raw && options.record_format.empty();
  Json head;
  const std::string opening = head.field("_command", command.path).field("_version", 1).raw("records", "[").text();
  if (is_one_object) print(std::string_view(opening).substr(0, opening.size() - 1));
  Read read;
  const int ended = copy(command, from, *writer, read);
  if (is_one_object) print("]}\n");
  if (!global.is_quiet && ::isatty(STDERR_FILENO) == 1) {
    std::fputs(("consumed from \"" + options.topic + "\": " + clock.summary(read.records, read.bytes) + "\n").c_str(), stderr);
  }
  return ended;
}

}  // namespace tidelog::cli
