#include "cli/commands/commands.h"
#include "cli/commands/topic_common.h"

#include <unistd.h>

#include <cstdio>

namespace tidelog::cli {
namespace {

std::int64_t replication_of(const topic_info& topic) {
  return topic.partitions().empty() ? 0 : static_cast<std::int64_t>(topic.partitions().front().replicas().size());
}

result<new_topic> read_topic(const TopicOptions& options, const std::string& name) {
  new_topic topic(name, options.partitions, static_cast<std::int16_t>(options.replication_factor));
  for (const std::string& text : options.configs) {
    auto pair = split_pair(text, "topic config");
    if (!pair) return pair.error();
    topic.set(pair->first, pair->second);
  }
  return topic;
}

struct Size {
  std::int64_t partitions = 0;
  std::int64_t records = 0;
};

/// What would be lost. Offsets are an upper bound: compaction leaves gaps.
result<Size> size_of(tidelog::admin& admin, const std::string& name) {
  const result<topic_info> topic = admin.describe_topic(name);
  if (!topic) return topic.error();
  std::vector<std::int32_t> indexes;
  for (const partition_info& partition : topic->partitions()) indexes.push_back(partition.index());
  Size size{.partitions = static_cast<std::int64_t>(indexes.size()), .records = 0};
  const auto starts = admin.list_offsets(name, indexes, offset_spec::start());
  const auto ends = admin.list_offsets(name, indexes, offset_spec::end());
  if (!starts || !ends) return size;  // A topic without leaders can be deleted nevertheless.
  for (std::size_t i = 0; i < indexes.size(); ++i) size.records += (*ends)[i] - (*starts)[i];
  return size;
}

/// Empty where nobody can say: without a leader, or if the broker does not answer.
Cell offset_cell(tidelog::admin& admin, const std::string& name, const partition_info& partition, offset_spec where) {
  if (partition.leader() < 0) return Cell::no_number();
  const auto found = admin.list_offsets(name, {partition.index()}, where);
  return found ? Cell(found->front()) : Cell::no_number();
}

}  // namespace

int run_topic_list(const Command& command) {
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  const result<std::vector<topic_info>> topics = client->admin().list_topics();
  if (!topics) return fail(command.global, topics.error());
  Table table({"name", "partitions", "replication"});
  for (const topic_info& topic : *topics) {
    if (topic.is_internal() && !command.topic.shows_internal) continue;
    table.add({topic.name(), static_cast<std::int64_t>(topic.partitions().size()), replication_of(topic)});
  }
  return print(table.render(command, "topics")) ? kOk : kFailed;
}

int run_topic_create(const Command& command) {
  if (command.topic.names.empty()) return fail_without_name(command);
  std::vector<new_topic> topics;
  for (const std::string& name : command.topic.names) {
    result<new_topic> topic = read_topic(command.topic, name);
    if (!topic) return fail(command.global, topic.error());
    topics.push_back(*std::move(topic));
  }
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  const auto results = client->admin().create_topics(topics, command.global.is_dry_run);
  if (!results) return fail(command.global, results.error());
  return report_topics(command, *results, command.global.is_dry_run ? "would be created" : "created");
}

int run_topic_describe(const Command& command) {
  if (command.topic.names.empty()) return fail_without_name(command);
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  tidelog::admin admin = client->admin();
  Table table({"topic", "id", "partition", "leader", "leader_epoch", "replicas", "in_sync", "start", "end", "damage"});
  int exit_code = kOk;
  for (const std::string& name : command.topic.names) {
    const result<topic_info> topic = admin.describe_topic(name);
    if (!topic) {
      exit_code = fail(command.global, topic.error());
      continue;
    }
    std::vector<std::int32_t> indexes;
    for (const partition_info& partition : topic->partitions()) indexes.push_back(partition.index());
    const std::vector<std::string> damage = admin.describe_damage(name, indexes);
    for (std::size_t i = 0; i < indexes.size(); ++i) {
      const partition_info& partition = topic->partitions()[i];
      table.add({name, topic->id(), std::int64_t{partition.index()}, std::int64_t{partition.leader()},
                 std::int64_t{partition.leader_epoch()}, Cell(partition.replicas()), Cell(partition.in_sync()),
                 offset_cell(admin, name, partition, offset_spec::start()), offset_cell(admin, name, partition, offset_spec::end()),
                 Cell(damage[i])});
    }
  }
  return print(table.render(command, "partitions")) || exit_code != kOk ? exit_code : kFailed;
}

int run_topic_delete(const Command& command) {
  const GlobalOptions& global = command.global;
  if (command.topic.names.empty()) return fail_without_name(command);
  if (!global.says_yes && !global.is_dry_run && ::isatty(STDIN_FILENO) == 0) {
    return fail_usage(global, "deleting a topic has to be confirmed, and nobody can be asked here",
                      "--yes deletes without asking, --dry-run shows what would go");
  }
  result<client> client = open_client(global, quiet_config());
  if (!client) return fail(global, client.error());
  tidelog::admin admin = client->admin();
  std::vector<topic_result> planned;
  // Who does not ask need not wait for the counts, which take long where a partition is not served.
  const bool is_asked = global.is_dry_run || !global.says_yes;
  for (const std::string& name : is_asked ? command.topic.names : std::vector<std::string>()) {
    const result<Size> size = size_of(admin, name);
    if (!size) return fail(global, size.error());
    const std::string what = "topic \"" + name + "\": " + std::to_string(size->partitions) +
                             (size->partitions == 1 ? " partition" : " partitions") + ", about " + std::to_string(size->records) +
                             " records\n";
    if (!global.is_quiet) std::fputs(((global.is_dry_run ? "would delete " : "deleting ") + what).c_str(), stderr);
    planned.emplace_back(name, result<void>());
  }
  if (global.is_dry_run) return report_topics(command, planned, "would be deleted");
  if (is_asked && !confirms("Delete for good?")) return fail(global, error(errc::closed, "not confirmed: nothing was deleted"));
  const auto results = admin.delete_topics(command.topic.names);
  if (!results) return fail(global, results.error());
  return report_topics(command, *results, "deleted");
}

}  // namespace tidelog::cli
