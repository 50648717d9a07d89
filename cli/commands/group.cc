// Groups as they are, and what takes them away.
#include "cli/commands/group_common.h"
#include "cli/commands/topic_common.h"
#include "cli/group_forecast.h"
#include "cli/group_target.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace tidelog::cli {
namespace {

void add_member(Table& table, const group_info& group, const group_member& member) {
  const std::string wants = member.pattern().empty() ? "" : "/" + member.pattern() + "/";
  std::string topics = wants;
  for (const std::string& topic : member.topics()) (topics += topics.empty() ? "" : ",") += topic;
  const bool is_moving = member.target() != member.assigned();
  table.add({group.id(), group.type(), group.state(), group.assignor(), std::int64_t{group.coordinator()}, member.client_id(),
             member.host(), topics, partitions_text(member.assigned()), is_moving ? partitions_text(member.target()) : std::string(),
             number_cell(member.epoch() < 0 ? std::nullopt : std::optional<std::int64_t>(member.epoch())),
             member.instance_id().value_or(""), member.id()});
}

/// Asks before something is lost, unless it was said on the command line. None: go on.
std::optional<int> ask(const GlobalOptions& global, const std::string& question) {
  if (global.says_yes) return std::nullopt;
  if (::isatty(STDIN_FILENO) == 0) {
    return fail_usage(global, "deleting has to be confirmed, and nobody can be asked here",
                      "--yes deletes without asking, --dry-run shows what would go");
  }
  if (confirms(question)) return std::nullopt;
  return fail(global, error(errc::closed, "not confirmed: nothing was deleted"));
}

int report_groups(const Command& command, const std::vector<group_result>& results, std::string_view done) {
  Table table({"group", "status"});
  int exit_code = kOk;
  for (const group_result& each : results) {
    table.add({each.group(), each.outcome() ? done : each.outcome().error().code_name()});
    if (each.outcome()) continue;
    const ExitCode code = fail(command.global, each.outcome().error());
    if (exit_code == kOk) exit_code = code;
  }
  return print(table.render(command, "groups")) || exit_code != kOk ? exit_code : kFailed;
}

/// What deleting would come to. A group that cannot be deleted is one of the results, as it is of a real deletion.
result<std::vector<group_result>> forecast_deletions(tidelog::admin& admin, const std::vector<std::string>& ids) {
  std::vector<group_result> results;
  for (const std::string& id : ids) {
    const result<group_info> group = admin.describe_group(id);
    if (!group && group.error().kafka_code() == 0) return group.error();
    const auto refused = [&id](const error& why) {
      return error::from_kafka(why.kafka_code(), "cannot delete group \"" + id + "\"", why.server_text());
    };
    results.emplace_back(id, group ? forecast_deletion(*group) : result<void>(refused(group.error())));
  }
  return results;
}

result<std::vector<group_partition_result>> forecast_offset_deletions(tidelog::admin& admin, const std::string& id,
                                                                      const std::vector<topic_partition>& partitions) {
  const result<group_info> group = admin.describe_group(id);
  return group ? forecast_offset_deletion(*group, partitions) : result<std::vector<group_partition_result>>(group.error());
}

error nothing_for(const std::string& group, const std::string& topic, std::int32_t partition = -1) {
  const std::string what = topic + (partition < 0 ? "" : ":" + std::to_string(partition));
  error none(errc::not_found, "group \"" + group + "\" has committed nothing for \"" + what + "\"");
  return none.set_hint("tidelog group lag " + group + " shows what it has").set_topic(topic, partition);
}

/// What of the group's committed offsets the selectors name. Every partition and every topic that is named has to be among it.
result<std::vector<topic_partition>> offsets_chosen(tidelog::admin& admin, const std::string& group,
                                                    const std::vector<std::string>& selectors) {
  const auto committed = admin.list_group_offsets(group);
  if (!committed) return committed.error();
  std::vector<topic_partition> all;
  for (const std::string& text : selectors) {
    const result<TopicSelector> selector = parse_topic_selector(text);
    if (!selector) return selector.error();
    const std::size_t before = all.size();
    for (const group_offset& each : *committed) {
      if (selector->covers(each.topic(), each.partition())) all.push_back(each.where());
    }
    for (const std::int32_t index : selector->partitions) {
      if (std::ranges::find(all, topic_partition(selector->topic, index)) == all.end()) return nothing_for(group, selector->topic, index);
    }
    if (all.size() == before) return nothing_for(group, selector->topic);
  }
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  return all;
}

}  // namespace

int run_group_list(const Command& command) {
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  const result<group_list> groups = client->admin().list_groups(command.group.states, command.group.types);
  if (!groups) return fail(command.global, groups.error());
  Table table({"group", "type", "protocol_type", "state", "coordinator"});
  for (const group_listing& group : groups->groups())
    table.add({group.id(), group.type(), group.protocol_type(), group.state(), std::int64_t{group.coordinator()}});
  int exit_code = kOk;
  for (const error& failure : groups->failures()) exit_code = fail(command.global, failure);
  return print(table.render(command, "groups")) || exit_code != kOk ? exit_code : kFailed;
}

int run_group_describe(const Command& command) {
  if (command.group.groups.empty()) return fail_without_group(command);
  if (command.group.shows_history) return run_group_history(command);
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  Table table({"group", "type", "state", "assignor", "coordinator", "client_id", "host", "topics", "assigned", "target", "epoch",
               "instance_id", "member_id"});
  int exit_code = kOk;
  for (const std::string& id : command.group.groups) {
    const result<group_info> group = client->admin().describe_group(id);
    if (!group) {
      exit_code = fail(command.global, group.error());
      continue;
    }
    for (const group_member& member : group->members()) add_member(table, *group, member);
    if (group->members().empty()) {
      table.add({group->id(), group->type(), group->state(), group->assignor(), std::int64_t{group->coordinator()}, "", "", "", "", "",
                 Cell::no_number(), "", ""});
    }
  }
  return print(table.render(command, "members")) || exit_code != kOk ? exit_code : kFailed;
}

int run_group_delete(const Command& command) {
  const std::vector<std::string>& ids = command.group.groups;
  if (ids.empty()) return fail_without_group(command);
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  tidelog::admin admin = client->admin();
  if (command.global.is_dry_run) {
    const auto planned = forecast_deletions(admin, ids);
    return planned ? report_groups(command, *planned, "would be deleted") : fail(command.global, planned.error());
  }
  const std::string what = ids.size() == 1 ? "group \"" + ids.front() + "\"" : std::to_string(ids.size()) + " groups";
  if (const auto stopped = ask(command.global, "Delete " + what + " and what it has committed?")) return *stopped;
  const auto results = admin.delete_groups(ids);
  if (!results) return fail(command.global, results.error());
  return report_groups(command, *results, "deleted");
}

int run_group_delete_offsets(const Command& command) {
  const GroupOptions& options = command.group;
  if (options.group.empty()) return fail_without_group(command);
  if (options.topics.empty()) return fail_usage(command.global, "of which topics?", "tidelog group delete-offsets GROUP TOPIC[:0,2]");
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  tidelog::admin admin = client->admin();
  const auto chosen = offsets_chosen(admin, options.group, options.topics);
  if (!chosen) return fail(command.global, chosen.error());
  const bool is_dry = command.global.is_dry_run;
  if (!is_dry) {
    if (const auto stopped = ask(command.global, "Forget " + std::to_string(chosen->size()) + " offsets of it?")) return *stopped;
  }
  const auto results =
      is_dry ? forecast_offset_deletions(admin, options.group, *chosen) : admin.delete_group_offsets(options.group, *chosen);
  if (!results) return fail(command.global, results.error());
  Table table({"group", "topic", "partition", "status"});
  int exit_code = kOk;
  const std::string_view done = is_dry ? "would be deleted" : "deleted";
  for (const group_partition_result& each : *results) {
    table.add({options.group, each.where().topic(), std::int64_t{each.where().partition()},
               each.outcome() ? done : each.outcome().error().code_name()});
    if (each.outcome()) continue;
    const ExitCode code = fail(command.global, each.outcome().error());
    if (exit_code == kOk) exit_code = code;
  }
  return print(table.render(command, "partitions")) || exit_code != kOk ? exit_code : kFailed;
}

}  // namespace tidelog::cli
