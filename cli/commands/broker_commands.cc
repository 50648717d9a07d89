// The commands that need the broker's code in the program.
#include "broker/config/broker_options.h"
#include "broker/config/markdown.h"
#include "broker/serve.h"
#include "cli/commands/commands.h"
#include "cli/text/table.h"

namespace tidelog::cli {

int run_serve(const Command& command) {
  return broker::serve({.config_file = command.serve.config_file, .overrides = command.serve.overrides});
}

int run_config_docs(const Command&) { return print(broker::render_markdown()) ? kOk : kFailed; }

int run_config_list(const Command& command) {
  const broker::BrokerOptions defaults;
  Table table({"key", "default", "in_force", "doc"});
  for (const auto& option : broker::broker_option_table()) {
    table.add(
        {option.key, option.print(defaults), option.no_effect.empty() ? "yes" : "no", broker::full_doc(option.doc, option.no_effect)});
  }
  return print(table.render(command, "options")) ? kOk : kFailed;
}

}  // namespace tidelog::cli
