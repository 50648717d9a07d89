// How far groups are behind.
#include "cli/commands/group_common.h"
#include "cli/commands/topic_common.h"
#include "cli/text/legible.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

namespace tidelog::cli {
namespace {

/// Who reads a partition.
using Owners = std::map<topic_partition, const group_member*>;

/// What a row says of how far the group is.
struct Position {
  std::optional<std::int64_t> committed;
  std::optional<std::int64_t> end;
  std::optional<std::int64_t> lag;
  std::optional<std::chrono::milliseconds> age;
};
using Positions = std::map<topic_partition, Position>;

void take_committed(const group_offset& offset, Positions& positions) {
  Position& position = positions[offset.where()];
  position.committed = offset.offset();
  if (!offset.lag()) return;
  position.end = offset.lag()->end_offset();
  position.lag = offset.lag()->records();
  position.age = offset.lag()->age();
}

/// Of what the group's broker does not know: brokers that are not ours tell no lag, and nobody has one where nothing is committed.
void look_up_ends(tidelog::admin& admin, Positions& positions) {
  std::vector<topic_partition> unknown;
  for (const auto& [where, position] : positions) {
    if (!position.end) unknown.push_back(where);
  }
  for (const auto& [where, end] : offsets_of(admin, unknown, offset_spec::end())) {
    Position& position = positions[where];
    position.end = end;
    if (position.committed) position.lag = std::max<std::int64_t>(end - *position.committed, 0);
  }
}

/// Nobody who commits what was read gets there: somebody set the offset, or the topic was made anew, or lost records.
void warn_beyond_end(const std::string& id, const Positions& positions) {
  std::vector<topic_partition> beyond;
  for (const auto& [where, position] : positions) {
    if (position.committed && position.end && *position.committed > *position.end) beyond.push_back(where);
  }
  if (beyond.empty()) return;
  const std::string first = beyond.front().topic() + ":" + std::to_string(beyond.front().partition());
  const std::string others = beyond.size() == 1 ? "" : " and in " + std::to_string(beyond.size() - 1) + " more";
  const std::string warning = "what group \"" + id + "\" has committed lies beyond the end of " + first + others +
                              ": its consumers go on where auto.offset.reset says";
  const std::string hint = "tidelog group seek " + id + " --to latest --topic " + first + " sets where";
  std::fputs(("warning: " + legible(warning) + "\n  hint: " + legible(hint) + "\n").c_str(), stderr);
}

result<void> add_group(Table& table, tidelog::admin& admin, const GlobalOptions& global, const std::string& id) {
  const result<group_info> group = admin.describe_group(id);
  if (!group) return group.error();
  const auto committed = admin.list_group_offsets(id, true);
  if (!committed) return committed.error();
  Positions positions;
  Owners owners;
  for (const group_offset& each : *committed) take_committed(each, positions);
  for (const group_member& member : group->members()) {
    for (const topic_partition& each : member.assigned()) owners[each] = &member, positions.try_emplace(each);
  }
  look_up_ends(admin, positions);
  if (!global.is_quiet) warn_beyond_end(id, positions);
  for (const auto& [where, position] : positions) {
    const auto owner = owners.find(where);
    table.add({id, where.topic(), std::int64_t{where.partition()}, number_cell(position.committed), number_cell(position.end),
               number_cell(position.lag), position.age ? Cell(*position.age) : Cell::no_number(),
               owner == owners.end() ? std::string() : owner->second->client_id(),
               owner == owners.end() ? std::string() : owner->second->host()});
  }
  return {};
}

}  // namespace

int run_group_lag(const Command& command) {
  if (command.group.groups.empty()) return fail_without_group(command);
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  tidelog::admin admin = client->admin();
  Table table({"group", "topic", "partition", "committed", "end", "lag", "lag_seconds", "client_id", "host"});
  int exit_code = kOk;
  for (const std::string& id : command.group.groups) {
    const result<void> added = add_group(table, admin, command.global, id);
    if (!added) exit_code = fail(command.global, added.error());
  }
  return print(table.render(command, "partitions")) || exit_code != kOk ? exit_code : kFailed;
}

}  // namespace tidelog::cli
