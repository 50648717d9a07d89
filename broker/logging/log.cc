#include "broker/logging/log.h"

#include "broker/logging/line.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

namespace tidelog::broker {
namespace {

// UTC, so that lines of several nodes sort together.
constexpr auto kTextPattern = "%Y-%m-%dT%H:%M:%S.%eZ %-5l %v";
constexpr auto kJsonPattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":"%v"})";

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
    case LogLevel::off: return spdlog::level::off;
  }
  return spdlog::level::off;
}

/// One sink, two loggers: the level does not hold back announcements.
struct Loggers {
  std::shared_ptr<spdlog::sinks::stderr_sink_mt> sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  spdlog::logger lines{"lines", sink};
  spdlog::logger announcements{"announcements", sink};

  Loggers() {
    lines.set_level(spdlog::level::warn);
    set_pattern(kTextPattern);
  }
  void set_pattern(const char* pattern) {
    sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(pattern, spdlog::pattern_time_type::utc));
  }
};

/// Never destroyed: a thread that outlives main may still log.
Loggers& loggers() {
  static Loggers* const shared = new Loggers;
  return *shared;
}

}  // namespace

void configure_logging(LogLevel level, LogFormat format) {
  loggers().set_pattern(format == LogFormat::json ? kJsonPattern : kTextPattern);
  loggers().lines.set_level(to_spdlog(level));
}

bool logs(LogLevel level) { return level != LogLevel::off && loggers().lines.should_log(to_spdlog(level)); }

// The message goes in as an argument, so that braces in it mean nothing.
void write_log(LogLevel level, std::string_view message) { loggers().lines.log(to_spdlog(level), "{}", escape_line(message)); }

void log_announcement(std::string_view message) { loggers().announcements.info("{}", escape_line(message)); }

}  // namespace tidelog::broker
