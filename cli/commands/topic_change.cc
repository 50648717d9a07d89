// Changes to topics that are there: more partitions, fewer records.
#include "cli/commands/commands.h"
#include "cli/commands/topic_common.h"
#include "cli/offset_range.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace tidelog::cli {
namespace {

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

result<offset_spec> parse_before(const std::string& text) {
  const result<OffsetRange> range = parse_offset_range(text, now_ms());
  if (!range) return range.error();
  if (!range->until) return range->from;
  error wrong(errc::invalid_argument, "\"" + text + "\" is a range: records are deleted before one place");
  return wrong.set_hint("--before 42, --before @1700000000000, --before @-2h, --before end");
}

/// What goes in one partition.
struct Cut {
  std::int32_t partition;
  std::int64_t start;
  std::int64_t before;
  /// Offsets are an upper bound: compaction leaves gaps.
  [[nodiscard]] std::int64_t records() const { return std::max<std::int64_t>(before - start, 0); }
};

result<std::vector<std::int32_t>> partitions_of(tidelog::admin& admin, const TopicOptions& options) {
  if (!options.only_partitions.empty()) return options.only_partitions;
  const result<topic_info> topic = admin.describe_topic(options.names.front());
  if (!topic) return topic.error();
  std::vector<std::int32_t> all;
  for (const partition_info& partition : topic->partitions()) all.push_back(partition.index());
  return all;
}

result<std::vector<Cut>> plan(tidelog::admin& admin, const TopicOptions& options, offset_spec before) {
  const std::string& name = options.names.front();
  const auto partitions = partitions_of(admin, options);
  if (!partitions) return partitions.error();
  const auto starts = admin.list_offsets(name, *partitions, offset_spec::start());
  if (!starts) return starts.error();
  const auto offsets = admin.list_offsets(name, *partitions, before);
  if (!offsets) return offsets.error();
  std::vector<Cut> cuts;
  for (std::size_t i = 0; i < partitions->size(); ++i) cuts.push_back({(*partitions)[i], (*starts)[i], (*offsets)[i]});
  return cuts;
}

int report(const Command& command, const std::vector<Cut>& cuts, const std::vector<partition_result>& results) {
  Table table({"topic", "partition", "start", "status"});
  int exit_code = kOk;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const result<std::int64_t>& outcome = results[i].outcome();
    table.add({command.topic.names.front(), std::int64_t{results[i].partition()}, outcome ? *outcome : cuts[i].start,
               outcome ? Cell(command.global.is_dry_run ? "would be trimmed" : "trimmed") : Cell(outcome.error().code_name())});
    if (outcome) continue;
    const ExitCode code = fail(command.global, outcome.error());
    if (exit_code == kOk) exit_code = code;
  }
  return print(table.render(command, "partitions")) || exit_code != kOk ? exit_code : kFailed;
}

void announce(const Command& command, const std::vector<Cut>& cuts) {
  if (command.global.is_quiet) return;
  std::int64_t records = 0;
  for (const Cut& cut : cuts) records += cut.records();
  const std::string what = "about " + std::to_string(records) + " records in " + std::to_string(cuts.size()) + " partitions of topic \"" +
                           command.topic.names.front() + "\"\n";
  std::fputs(((command.global.is_dry_run ? "would delete " : "deleting ") + what).c_str(), stderr);
}

}  // namespace

int run_topic_add_partitions(const Command& command) {
  if (command.topic.names.empty()) return fail_without_name(command);
  if (command.topic.partitions < 1) {
    return fail_usage(command.global, "how many partitions shall there be?", "tidelog topic add-partitions NAME --partitions N (in all)");
  }
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  const auto results = client->admin().add_partitions(command.topic.names, command.topic.partitions, command.global.is_dry_run);
  if (!results) return fail(command.global, results.error());
  return report_topics(command, *results, command.global.is_dry_run ? "would be extended" : "extended");
}

int run_topic_trim(const Command& command) {
  const GlobalOptions& global = command.global;
  if (command.topic.names.empty()) return fail_without_name(command);
  if (command.topic.names.size() > 1) return fail_usage(global, "one topic at a time", "tidelog topic trim NAME --before OFFSET");
  if (command.topic.before.empty()) {
    return fail_usage(global, "before what?", "--before 42 (an offset), @1700000000000 or @-2h (a time), end (everything)");
  }
  const result<offset_spec> before = parse_before(command.topic.before);
  if (!before) return fail_usage(global, before.error().message(), before.error().hint());
  if (!global.says_yes && !global.is_dry_run && ::isatty(STDIN_FILENO) == 0) {
    return fail_usage(global, "deleting records has to be confirmed, and nobody can be asked here",
                      "--yes deletes without asking, --dry-run shows what would go");
  }
  result<client> client = open_client(global, quiet_config());
  if (!client) return fail(global, client.error());
  tidelog::admin admin = client->admin();
  const result<std::vector<Cut>> cuts = plan(admin, command.topic, *before);
  if (!cuts) return fail(global, cuts.error());
  announce(command, *cuts);
  std::vector<partition_result> results;
  if (global.is_dry_run) {
    for (const Cut& cut : *cuts) results.emplace_back(cut.partition, std::max(cut.start, cut.before));
    return report(command, *cuts, results);
  }
  if (!global.says_yes && !confirms("Delete for good?")) return fail(global, error(errc::closed, "not confirmed: nothing was deleted"));
  std::vector<std::pair<std::int32_t, std::int64_t>> wanted;
  for (const Cut& cut : *cuts) wanted.emplace_back(cut.partition, cut.before);
  auto deleted = admin.delete_records(command.topic.names.front(), wanted);
  if (!deleted) return fail(global, deleted.error());
  return report(command, *cuts, *deleted);
}

}  // namespace tidelog::cli
