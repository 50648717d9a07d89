#include "cli/commands/commands.h"
#include "cli/text/table.h"
#include "proto/error_code.h"

#include <charconv>

namespace tidelog::cli {
namespace {

constexpr int kFirst = -1, kLast = 200;

bool is_known(int code) { return code == kFirst || name(static_cast<ErrorCode>(code)) != name(static_cast<ErrorCode>(kFirst)); }

void add_code(Table& table, int code) {
  const auto known = static_cast<ErrorCode>(code);
  const error meaning = error::from_kafka(code, "");
  std::string text = meaning.message().substr(2);  // Without the ": " behind the empty context.
  if (text == name(known)) text.clear();
  table.add({std::int64_t{code}, name(known), retriable(known) ? "yes" : "no", text, meaning.hint()});
}

}  // namespace

int run_version(const Command& command) {
  Table table({"name", "version"});
  table.add({"tidelog", TIDELOG_VERSION});
  return print(command.global.format == Format::table ? "tidelog " TIDELOG_VERSION "\n" : table.render(command, "programs")) ? kOk
                                                                                                                             : kFailed;
}

int run_errors(const Command& command) {
  Table table({"code", "name", "retriable", "meaning", "hint"});
  const std::string& asked = command.error_code;
  int number = 0;
  const auto [end, failed] = std::from_chars(asked.data(), asked.data() + asked.size(), number);
  const bool is_number = failed == std::errc{} && end == asked.data() + asked.size() && !asked.empty();
  bool is_found = false;
  for (int code = kFirst; code <= kLast; ++code) {
    const bool is_asked = asked.empty() || (is_number ? code == number : name(static_cast<ErrorCode>(code)) == asked);
    if (!is_asked || !is_known(code)) continue;
    is_found = true;
    add_code(table, code);
  }
  if (!is_found)
    return fail(command.global, error(errc::not_found, "there is no error code \"" + asked + "\"").set_hint("tidelog errors lists all"));
  return print(table.render(command, "errors")) ? kOk : kFailed;
}

}  // namespace tidelog::cli
