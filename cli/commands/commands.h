#pragma once

#include "cli/failure.h"
#include "cli/options.h"
#include <tidelog/client.h>

namespace tidelog::cli {

/// One function a command; each prints its own errors and returns what the program ends with.
int run_version(const Command& command);
int run_errors(const Command& command);
int run_topic_list(const Command& command);
int run_topic_create(const Command& command);
int run_topic_describe(const Command& command);
int run_topic_delete(const Command& command);
int run_topic_alter(const Command& command);
int run_config_get(const Command& command);
int run_config_set(const Command& command);
int run_topic_add_partitions(const Command& command);
int run_topic_trim(const Command& command);
int run_produce(const Command& command);
int run_consume(const Command& command);
int run_group_list(const Command& command);
int run_group_describe(const Command& command);
int run_group_history(const Command& command);
int run_group_lag(const Command& command);
int run_group_seek(const Command& command);
int run_group_delete(const Command& command);
int run_group_delete_offsets(const Command& command);
int run_debug_wire(const Command& command);
int run_debug_log_dump(const Command& command);
int run_debug_log_verify(const Command& command);
int run_doctor(const Command& command);
// These need the broker.
int run_serve(const Command& command);
int run_config_docs(const Command& command);
int run_config_list(const Command& command);
int run_config_explain(const Command& command);

/// A client with the settings of the command line over `defaults`.
result<client> open_client(const GlobalOptions& global, config defaults);

/// KEY=VALUE in two.
result<std::pair<std::string, std::string>> split_pair(const std::string& text, std::string_view what);

}  // namespace tidelog::cli
