#include "cli/failure.h"

#include "cli/text/json.h"
#include "cli/text/legible.h"

#include <cstdio>

namespace tidelog::cli {
namespace {

constexpr std::size_t kLongestLine = 1000;

/// Text of a broker may hold anything.
std::string one_line(std::string_view text) { return legible(text.substr(0, kLongestLine)); }

}  // namespace

ExitCode exit_code_of(const error& why) {
  switch (why.kind()) {
    case errc::transport: return kCannotConnect;
    case errc::authentication:
    case errc::authorization: return kNotAllowed;
    case errc::timed_out: return kTimedOut;
    case errc::not_found: return kNotFound;
    case errc::invalid_argument:
    case errc::invalid_config: return why.kafka_code() == 0 ? kUsage : kFailed;
    case errc::too_large:
    case errc::queue_full:
    case errc::bad_answer:
    case errc::unsupported:
    case errc::server:
    case errc::closed: return kFailed;
  }
  return kFailed;
}

std::string to_text(const error& why) {
  std::string text = "error: " + one_line(why.message()) + "\n";
  if (!why.hint().empty()) text += "  hint: " + one_line(why.hint()) + "\n";
  text += "  code: " + std::string(why.code_name());
  if (why.kafka_code() != 0)
    text += " (" + std::to_string(why.kafka_code()) + ")   docs: tidelog errors " + std::to_string(why.kafka_code());
  return text + "\n";
}

std::string to_json(const error& why) {
  Json inner;
  inner.field("code", why.code_name()).field("kafka_code", why.kafka_code()).field("message", why.message()).field("hint", why.hint());
  inner.field("broker", why.broker()).field("topic", why.topic()).field("partition", why.partition()).field("retriable", why.retriable());
  Json outer;
  return outer.raw("error", inner.text()).text();
}

ExitCode fail(const GlobalOptions& global, const error& why) {
  const bool is_json = global.format == Format::json || global.format == Format::jsonl;
  const std::string text = is_json ? to_json(why) + "\n" : to_text(why);
  std::fwrite(text.data(), 1, text.size(), stderr);
  return exit_code_of(why);
}

ExitCode fail_usage(const GlobalOptions& global, std::string message, std::string hint) {
  return fail(global, error(errc::invalid_argument, std::move(message)).set_hint(std::move(hint)));
}

}  // namespace tidelog::cli
