#include "cli/doctor/doctor.h"

#include "cli/commands/commands.h"
#include "cli/text/table.h"
#include "client/settings.h"

namespace tidelog::cli {
namespace {

constexpr std::int64_t kUsualTimeoutMs = 5'000;

}  // namespace

int run_doctor(const Command& command) {
  const GlobalOptions& global = command.global;
  config settings;
  settings.set("bootstrap.servers", global.brokers);
  result<core::Settings> read = core::read_settings(settings);
  if (!read) return fail(global, read.error());
  if (read->bootstrap.empty()) return fail_usage(global, "which cluster?", "tidelog doctor -b HOST[:PORT]");
  const std::chrono::milliseconds timeout(global.timeout_ms > 0 ? global.timeout_ms : kUsualTimeoutMs);
  const Report report = Doctor(read->bootstrap, timeout).examine();
  if (!print(report.render(command))) return kFailed;
  return report.count(Verdict::problem) == 0 ? kOk : kFailed;
}

}  // namespace tidelog::cli
