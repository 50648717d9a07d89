#include "cli/commands/consume_common.h"
#include "cli/interrupt.h"
#include "cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace tidelog::cli {
namespace {

/// Without progress for this long, a read up to a known end has failed; `--timeout` changes it.
constexpr std::chrono::milliseconds kPatience{60'000};

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

result<std::vector<assignment>> plan(tidelog::admin& admin, const ConsumeOptions& options) {
  const result<OffsetRange> range = range_of(options);
  if (!range) return range.error();
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
    all.emplace_back(options.topic, partition, range->from);
    if (range->until) all.back().until(*range->until);
  }
  return all;
}

/// Copies records to stdout until the end, the count, an interrupt or an error.
int copy(const Command& command, consumer& from, RecordSink& sink) {
  const ConsumeOptions& options = command.consume;
  const auto patience = patience_of(command.global);
  Progress progress(command.global, "consuming");
  auto last_news = std::chrono::steady_clock::now();
  while (!sink.is_full() && !from.finished() && !was_interrupted()) {
    const result<record_batch> batch = from.poll(kPollWait);
    if (!batch) {
      sink.flush();
      return fail(command.global, batch.error());
    }
    sink.take(*batch);
    const bool is_idle = batch->empty();
    if ((is_idle || sink.wants_flush() || options.follows) && !sink.flush()) return kFailed;
    const auto now = std::chrono::steady_clock::now();
    if (!is_idle) last_news = now;
    if (is_idle && !options.follows && !from.finished() && now - last_news > patience) {
      return fail(command.global, why_nothing_comes(from, options));
    }
    progress.update(sink.records(), sink.bytes());
  }
  if (!sink.flush()) return kFailed;
  return was_interrupted() ? kInterrupted : kOk;
}

/// Without a group: every partition, from where `-o` says.
int consume_alone(const Command& command, client& client, RecordSink& sink) {
  tidelog::admin admin = client.admin();
  const result<std::vector<assignment>> partitions = plan(admin, command.consume);
  if (!partitions) return fail(command.global, partitions.error());
  consumer from = client.make_consumer();
  if (const result<void> assigned = from.assign(*partitions); !assigned) return fail(command.global, assigned.error());
  catch_interrupts();
  sink.begin();
  const int ended = copy(command, from, sink);
  sink.end();
  return ended;
}

}  // namespace

result<OffsetRange> range_of(const ConsumeOptions& options) {
  OffsetRange range;
  if (!options.offsets.empty()) {
    result<OffsetRange> parsed = parse_offset_range(options.offsets, now_ms());
    if (!parsed) return parsed;
    range = *parsed;
  } else if (options.follows && !options.from_beginning) {
    range.from = offset_spec::end();
  }
  if (!range.until && !options.follows) range.until = offset_spec::end();
  return range;
}

std::chrono::milliseconds patience_of(const GlobalOptions& global) {
  return global.timeout_ms > 0 ? std::chrono::milliseconds(global.timeout_ms) : kPatience;
}

error why_nothing_comes(const consumer& from, const ConsumeOptions& options) {
  if (const std::optional<error> trouble = from.trouble()) return *trouble;
  error late(errc::timed_out, "the broker sends no more records before the end");
  return late.set_hint("it may be busy; a longer --timeout waits longer").set_topic(options.topic);
}

namespace {

/// Why options do not go together; empty if they do.
std::string find_fault(const ConsumeOptions& options) {
  if (!options.pattern.empty() && !options.topic.empty()) return "a topic and a --pattern: which is it?";
  if (!options.pattern.empty() && options.group.empty()) return "topics by --pattern are read as a member of a group: name it with --group";
  if (options.topic.empty() && options.pattern.empty()) return "which topic?";
  return {};
}

}  // namespace

int run_consume(const Command& command) {
  const GlobalOptions& global = command.global;
  const ConsumeOptions& options = command.consume;
  if (const std::string fault = find_fault(options); !fault.empty())
    return fail_usage(global, fault, options.pattern.empty() ? "tidelog consume TOPIC" : "tidelog consume --pattern REGEX --group GROUP");
  if (!options.group.empty() && !options.partitions.empty())
    return fail_usage(global, "a group decides itself who reads which partition", "leave out --partition, or --group");
  result<RecordSink> sink = RecordSink::open(command);
  if (!sink) return fail(global, sink.error());
  config defaults;
  defaults.set("allow.auto.create.topics", "false").set("max.partition.fetch.bytes", std::to_string(4 << 20));
  if (!options.group.empty()) defaults.set("group.id", options.group).set("enable.auto.commit", "false");
  result<client> client = open_client(global, defaults);
  if (!client) return fail(global, client.error());
  const Progress clock(global, "consumed");
  const int ended = options.group.empty() ? consume_alone(command, *client, *sink) : consume_in_group(command, *client, *sink);
  if (!global.is_quiet && ::isatty(STDERR_FILENO) == 1) {
    const std::string& source = options.pattern.empty() ? options.topic : options.pattern;
    std::fputs(("consumed from \"" + source + "\": " + clock.summary(sink->records(), sink->bytes()) + "\n").c_str(), stderr);
  }
  return ended;
}

}  // namespace tidelog::cli
