#include "cli/commands/topic_common.h"

#include "cli/text/legible.h"

#include <cstdio>
#include <iostream>

namespace tidelog::cli {

config quiet_config() { return config().set("allow.auto.create.topics", "false"); }

int fail_without_name(const Command& command) { return fail_usage(command.global, "which topic?", "tidelog " + command.path + " NAME"); }

int report_topics(const Command& command, const std::vector<topic_result>& results, std::string_view done) {
  Table table({"topic", "status"});
  int exit_code = kOk;
  for (const topic_result& each : results) {
    table.add({each.name(), each.outcome() ? done : each.outcome().error().code_name()});
    if (each.outcome()) continue;
    const ExitCode code = fail(command.global, each.outcome().error());
    if (exit_code == kOk) exit_code = code;
  }
  return print(table.render(command, "topics")) || exit_code != kOk ? exit_code : kFailed;
}

bool confirms(const std::string& question) {
  std::fputs((legible(question) + " [y/N] ").c_str(), stderr);
  std::string answer;
  return std::getline(std::cin, answer) && (answer == "y" || answer == "Y" || answer == "yes");
}

}  // namespace tidelog::cli
