#pragma once

#include "cli/options.h"
#include <tidelog/error.h>

#include <string>
#include <string_view>

namespace tidelog::cli {

/// What the program ends with. Documented in docs; scripts rely on them.
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kCannotConnect = 3,
  kNotAllowed = 4,
  kTimedOut = 5,
  kNotFound = 6,
  kInterrupted = 130,
};

ExitCode exit_code_of(const error& why);

/// An error as people read it: at most three lines, `error:`, `hint:`, `code:`.
std::string to_text(const error& why);
/// The same as one JSON object.
std::string to_json(const error& why);

/// Tells it on stderr, in the form asked for, and returns the exit code that goes with it.
ExitCode fail(const GlobalOptions& global, const error& why);
/// A mistake in the command line.
ExitCode fail_usage(const GlobalOptions& global, std::string message, std::string hint = {});

}  // namespace tidelog::cli
