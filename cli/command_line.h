#pragma once

#include "cli/options.h"

#include <string>
#include <variant>

namespace tidelog::cli {

/// The command line cannot be carried out, or asked for help: what to print, and what to end with.
struct ParseStop {
  int exit_code = 0;
  std::string help;     ///< For stdout, with exit code 0.
  std::string message;  ///< Else an error.
  std::string hint;
  GlobalOptions global;  ///< As far as it was understood: an error is told in the format asked for.
};

/// Reads the words behind the program's name. Mistakes come back with the word that was probably meant.
std::variant<Command, ParseStop> parse_command_line(int count, const char* const* words);

}  // namespace tidelog::cli
