#include "cli/commands/commands.h"
#include "cli/interrupt.h"
#include "cli/line_reader.h"
#include "cli/progress.h"
#include "cli/text/json.h"
#include "cli/text/table.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>

namespace tidelog::cli {
namespace {

/// Above what brokers take by default, so that the topic's own limit decides; below what a request may be.
constexpr std::size_t kLongestLine = 64 << 20;
/// Records without a key go to another partition after so many bytes: small files spread as well.
constexpr std::size_t kSpreadBytes = 16 << 10;
constexpr int kErrorsShown = 5;
constexpr std::uint64_t kProgressEvery = 1024;

config defaults_for(const ProduceOptions& options) {
  config defaults;
  defaults.set("batch.size", "524288").set("linger.ms", "5").set("buffer.memory", std::to_string(128 << 20));
  defaults.set("max.request.size", std::to_string(kLongestLine + (1 << 20)));
  if (!options.codec.empty()) defaults.set("compression.type", options.codec);
  return defaults;
}

/// What was not written, told as it happens: batches fail on the client's thread, lines on ours.
class Losses {
 public:
  explicit Losses(const GlobalOptions& global) : global_(global) {}

  void add(const batch_report& report) {
    const std::string lines = report.first_tag() == report.last_tag()
                                  ? "line " + std::to_string(report.first_tag())
                                  : "lines " + std::to_string(report.first_tag()) + " to " + std::to_string(report.last_tag());
    error why = *report.failure();
    add(why.set_message(lines + ": " + why.message()), static_cast<std::uint64_t>(report.record_count()), true);
  }
  /// `was_sent`: the producer had taken them.
  void add(const error& why, std::uint64_t count, bool was_sent) {
    const std::lock_guard lock(mutex_);
    records_ += count;
    if (was_sent) sent_records_ += count;
    if (!first_) first_ = why;
    if (++told_ <= kErrorsShown) fail(global_, why);
  }
  [[nodiscard]] std::uint64_t records() const {
    const std::lock_guard lock(mutex_);
    return records_;
  }
  [[nodiscard]] std::uint64_t sent_records() const {
    const std::lock_guard lock(mutex_);
    return sent_records_;
  }
  /// The code of the first loss, when nothing at all was written; any other loss is a plain failure.
  [[nodiscard]] int exit_code(std::uint64_t written) const {
    const std::lock_guard lock(mutex_);
    if (!first_) return kOk;
    return written == 0 && exit_code_of(*first_) != kUsage ? exit_code_of(*first_) : kFailed;
  }

 private:
  const GlobalOptions& global_;
  mutable std::mutex mutex_;
  std::uint64_t records_ = 0;
  std::uint64_t sent_records_ = 0;
  int told_ = 0;
  std::optional<error> first_;
};

/// Turns lines into records.
class LineRecords {
 public:
  static result<LineRecords> make(const ProduceOptions& options) {
    LineRecords records(options);
    for (const std::string& text : options.headers) {
      auto pair = split_pair(text, "header");
      if (!pair) return pair.error();
      records.header_texts_.push_back(*std::move(pair));
    }
    return records;
  }
  /// Call it once this stays where it is.
  void bind() {
    for (const auto& [name, value] : header_texts_) headers_.emplace_back(name, value);
  }
  [[nodiscard]] record_ref record(std::string_view line) const {
    record_ref record(options_.topic, line);
    if (options_.has_key) record.key(options_.key);
    if (!options_.key_separator.empty()) {
      const std::size_t at = line.find(options_.key_separator);
      if (at != std::string_view::npos) {
        record = record_ref(options_.topic, line.substr(at + options_.key_separator.size()));
        record.key(line.substr(0, at));
      }
    }
    if (options_.partition >= 0) record.partition(options_.partition);
    if (!headers_.empty()) record.headers(headers_);
    return record;
  }

 private:
  explicit LineRecords(const ProduceOptions& options) : options_(options) {}
  const ProduceOptions& options_;
  std::vector<std::pair<std::string, std::string>> header_texts_;
  std::vector<header_view> headers_;
};

struct Sent {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

/// Sends every line; lines that cannot be sent are losses, anything worse ends it with an exit code.
int send_lines(const Command& command, producer& to, Losses& losses, Sent& sent) {
  result<LineRecords> records = LineRecords::make(command.produce);
  if (!records) return fail(command.global, records.error());
  records->bind();
  LineReader reader(STDIN_FILENO, kLongestLine);
  Progress progress(command.global, "producing");
  std::string_view line;
  while (true) {
    const LineReader::Outcome outcome = reader.next(line);
    if (outcome == LineReader::Outcome::end) return kOk;
    if (outcome == LineReader::Outcome::interrupted) return kInterrupted;
    if (outcome == LineReader::Outcome::failed)
      return fail(command.global, error(errc::invalid_argument, std::string("cannot read standard input: ") + std::strerror(errno)));
    if (outcome == LineReader::Outcome::too_long) {
      losses.add(error(errc::too_large,
                       "line " + std::to_string(reader.line_number()) + ": longer than " + std::to_string(kLongestLine) + " bytes"),
                 1, false);
      continue;
    }
    if (result<void> taken = to.send(records->record(line).tag(reader.line_number())); !taken) {
      error why = taken.error();
      if (why.kind() != errc::too_large) return fail(command.global, why);
      losses.add(why.set_message("line " + std::to_string(reader.line_number()) + ": " + why.message()), 1, false);
      continue;
    }
    ++sent.records;
    sent.bytes += line.size();
    if (sent.records % kProgressEvery == 0) progress.update(sent.records, sent.bytes);
  }
}

}  // namespace

int run_produce(const Command& command) {
  const GlobalOptions& global = command.global;
  if (command.produce.topic.empty()) return fail_usage(global, "which topic?", "tidelog produce TOPIC");
  result<client> client = open_client(global, defaults_for(command.produce));
  if (!client) return fail(global, client.error());
  catch_interrupts();
  Losses losses(global);
  const Progress clock(global, "produced");
  producer to = client->make_producer(producer_options().spread_bytes(kSpreadBytes).on_batch([&losses](const batch_report& report) {
    if (report.failure() != nullptr) losses.add(report);
  }));
  Sent sent;
  const int ended = send_lines(command, to, losses, sent);
  // Everything sent has its end: it is written, or its delivery.timeout.ms passes. Who presses Ctrl-C does not wait for that.
  const result<void> closed = to.close(ended == kInterrupted ? std::chrono::seconds(5) : std::chrono::hours(24));
  const std::uint64_t written = sent.records - losses.sent_records();
  const bool never_began = ended != kOk && sent.records == 0;  // The error says it all.
  if (!global.is_quiet && !never_began) {
    const std::string failed = losses.records() > 0 ? ", " + std::to_string(losses.records()) + " failed" : "";
    std::fputs(("produced to \"" + command.produce.topic + "\": " + clock.summary(written, sent.bytes) + failed + "\n").c_str(), stderr);
  }
  if (global.format == Format::json || global.format == Format::jsonl) {
    Json done;
    done.field("_command", command.path).field("_version", 1).field("topic", command.produce.topic).field("records", written);
    print(done.field("failed", losses.records()).field("bytes", sent.bytes).text() + "\n");
  }
  const int lost_code = losses.exit_code(written);
  if (!closed && lost_code == kOk) return fail(global, closed.error());
  return ended == kInterrupted ? kInterrupted : lost_code != kOk ? lost_code : ended;
}

}  // namespace tidelog::cli
