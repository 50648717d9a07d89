#pragma once

#include "cli/commands/commands.h"
#include "cli/text/table.h"

#include <string>
#include <string_view>
#include <vector>

namespace tidelog::cli {

/// Asking about a topic must not create it.
config quiet_config();
int fail_without_name(const Command& command);
/// One row a topic on stdout, an error each on stderr. The exit code is that of the first failure.
int report_topics(const Command& command, const std::vector<topic_result>& results, std::string_view done);
/// Asks on the terminal.
bool confirms(const std::string& question);

}  // namespace tidelog::cli
