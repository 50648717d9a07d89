#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/text/table.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace {

using namespace tidelog::cli;  // NOLINT(google-build-using-namespace): this file is its front.

int run(const Command& command) {
  switch (command.id) {
    case CommandId::help: return kUsage;
    case CommandId::version: return run_version(command);
    case CommandId::serve: return run_serve(command);
    case CommandId::topic_list: return run_topic_list(command);
    case CommandId::topic_create: return run_topic_create(command);
    case CommandId::topic_describe: return run_topic_describe(command);
    case CommandId::topic_delete: return run_topic_delete(command);
    case CommandId::topic_alter: return run_topic_alter(command);
    case CommandId::topic_add_partitions: return run_topic_add_partitions(command);
    case CommandId::topic_trim: return run_topic_trim(command);
    case CommandId::produce: return run_produce(command);
    case CommandId::consume: return run_consume(command);
    case CommandId::config_docs: return run_config_docs(command);
    case CommandId::config_list: return run_config_list(command);
    case CommandId::config_get: return run_config_get(command);
    case CommandId::config_set: return run_config_set(command);
    case CommandId::config_explain: return run_config_explain(command);
    case CommandId::errors: return run_errors(command);
    case CommandId::debug_wire: return run_debug_wire(command);
    case CommandId::debug_log_dump: return run_debug_log_dump(command);
    case CommandId::debug_log_verify: return run_debug_log_verify(command);
    case CommandId::doctor: return run_doctor(command);
    case CommandId::group_list: return run_group_list(command);
    case CommandId::group_describe: return run_group_describe(command);
    case CommandId::group_lag: return run_group_lag(command);
    case CommandId::group_seek: return run_group_seek(command);
    case CommandId::group_delete: return run_group_delete(command);
    case CommandId::group_delete_offsets: return run_group_delete_offsets(command);
  }
  return kUsage;
}

}  // namespace

/// A descriptor that was closed for us would be given to the next file or socket, and what is printed would go into it.
void fill_standard_descriptors() {
  for (int opened = 0; opened >= 0 && opened <= STDERR_FILENO;) {
    opened = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (opened > STDERR_FILENO) ::close(opened);
  }
}

int main(int count, char** words) {
  fill_standard_descriptors();
  const auto parsed = parse_command_line(count, words);
  if (const auto* command = std::get_if<Command>(&parsed)) return run(*command);
  const ParseStop& stop = std::get<ParseStop>(parsed);
  if (stop.exit_code != kOk) return fail_usage(stop.global, stop.message, stop.hint);
  return print(stop.help) ? kOk : kFailed;
}
