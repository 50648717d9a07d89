#pragma once

#include "broker/config/choices.h"

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace tidelog::broker {

/// Sets what reaches stderr and how a line looks. Before the first call: warnings and errors, as text.
/// Thread: call before other threads log; the functions below may be called from any thread.
void configure_logging(LogLevel level, LogFormat format);

/// Whether a line of this level would be written: lets a caller skip the work of making it.
bool logs(LogLevel level);

/// Writes one line, whatever it contains: line breaks and control characters from a peer are escaped.
void write_log(LogLevel level, std::string_view message);

/// A line that is written even when the level is `off`: that the broker serves, and where.
void log_announcement(std::string_view message);

template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  if (logs(LogLevel::debug)) write_log(LogLevel::debug, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  if (logs(LogLevel::info)) write_log(LogLevel::info, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void log_warn(fmt::format_string<Args...> format, Args&&... args) {
  if (logs(LogLevel::warn)) write_log(LogLevel::warn, fmt::format(format, std::forward<Args>(args)...));
}

template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  if (logs(LogLevel::error)) write_log(LogLevel::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace tidelog::broker
