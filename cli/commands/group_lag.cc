// How far groups are behind.
#include "cli/commands/group_common.h"
#include "cli/commands/topic_common.h"

#include <algorithm>
#include <set>

namespace tidelog::cli {
namespace {

/// Who reads a partition.
using Owners = std::map<topic_partition, const group_member*>;

result<void> add_group(Table& table, tidelog::admin& admin, const std::string& id) {
  const result<group_info> group = admin.describe_group(id);
  if (!group) return group.error();
  const auto committed = admin.list_group_offsets(id);
  if (!committed) return committed.error();
  std::map<topic_partition, std::int64_t> offsets;
  Owners owners;
  std::set<topic_partition> all;
  for (const group_offset& each : *committed) offsets.emplace(each.where(), each.offset()), all.insert(each.where());
  for (const group_member& member : group->members()) {
    for (const topic_partition& each : member.assigned()) owners[each] = &member, all.insert(each);
  }
  const auto ends = offsets_of(admin, {all.begin(), all.end()}, offset_spec::end());
  for (const topic_partition& where : all) {
    const auto offset = offsets.find(where);
    const auto end = ends.find(where);
    const auto owner = owners.find(where);
    const bool is_known = offset != offsets.end() && end != ends.end();
    table.add({id, where.topic(), std::int64_t{where.partition()}, offset == offsets.end() ? Cell("") : Cell(offset->second),
               end == ends.end() ? Cell("") : Cell(end->second),
               is_known ? Cell(std::max<std::int64_t>(end->second - offset->second, 0)) : Cell(""),
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
  Table table({"group", "topic", "partition", "committed", "end", "lag", "client_id", "host"});
  int exit_code = kOk;
  for (const std::string& id : command.group.groups) {
    const result<void> added = add_group(table, admin, id);
    if (!added) exit_code = fail(command.global, added.error());
  }
  return print(table.render(command, "partitions")) || exit_code != kOk ? exit_code : kFailed;
}

}  // namespace tidelog::cli
