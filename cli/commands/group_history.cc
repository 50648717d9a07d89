// Why groups rebalanced.
#include "cli/commands/group_common.h"
#include "cli/commands/topic_common.h"
#include "cli/wire/form.h"

namespace tidelog::cli {

int run_group_history(const Command& command) {
  result<client> client = open_client(command.global, quiet_config());
  if (!client) return fail(command.global, client.error());
  Table table({"group", "at", "epoch", "event"});
  int exit_code = kOk;
  for (const std::string& id : command.group.groups) {
    const result<group_info> group = client->admin().describe_group(id, true);
    if (!group) {
      exit_code = fail(command.global, group.error());
      continue;
    }
    for (const group_event& event : group->history())
      table.add({id, utc_text_ms(event.timestamp_ms()), std::int64_t{event.generation()}, event.text()});
  }
  return print(table.render(command, "events")) || exit_code != kOk ? exit_code : kFailed;
}

}  // namespace tidelog::cli
