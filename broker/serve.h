#pragma once

#include <string>
#include <vector>

namespace tidelog::broker {

struct ServeArguments {
  std::string config_file;             ///< Empty: none.
  std::vector<std::string> overrides;  ///< KEY=VALUE each.
};

/// Runs a broker in the foreground until SIGTERM or SIGINT. Returns the exit code: 0 after a clean stop, 1 if it could not start or the
/// disk failed, 2 for a configuration it does not understand.
int serve(const ServeArguments& arguments);

}  // namespace tidelog::broker
