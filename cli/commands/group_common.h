#pragma once

#include "cli/commands/commands.h"
#include "cli/text/table.h"

#include <map>
#include <string>
#include <vector>

namespace tidelog::cli {

int fail_without_group(const Command& command);

/// "logs:0,1 other:3". Needs them in order.
std::string partitions_text(const std::vector<topic_partition>& partitions);

/// The offset of a place in each of the partitions. Partitions of a topic that is gone, or that nobody leads, are left out.
std::map<topic_partition, std::int64_t> offsets_of(tidelog::admin& admin, const std::vector<topic_partition>& partitions,
                                                   offset_spec where);

/// The partitions named, and every one of topics of which none is named. One that does not exist is an error.
result<std::vector<topic_partition>> partitions_chosen(tidelog::admin& admin, const std::vector<std::string>& selectors);

Cell number_cell(const std::optional<std::int64_t>& number);

}  // namespace tidelog::cli
