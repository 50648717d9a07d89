#include "cli/commands/commands.h"
#include "cli/logs/dump_line.h"
#include "cli/logs/log_dump.h"
#include "cli/text/table.h"
#include "storage/disk/disk_error.h"
#include "storage/disk/posix.h"
#include "storage/inspect/log_check.h"

#include <algorithm>
#include <cstdio>

namespace tidelog::cli {
namespace {

error unreadable(const std::string& path, Errc why) {
  return error(why == Errc::not_found ? errc::not_found : errc::invalid_argument,
               "cannot read \"" + path + "\": " + std::string(storage::describe_disk_error(why)));
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

bool is_json(const Command& command) { return command.global.format == Format::json || command.global.format == Format::jsonl; }

/// What `log-dump` goes over: one file, or those of a directory that are a log's.
result<std::vector<std::string>> files_of(storage::FileSystem& files, const std::string& path) {
  const Result<storage::DirEntry> there = files.stat(path);
  if (!there) return unreadable(path, there.error());
  if (!there->is_directory) return std::vector{path};
  const Result<std::vector<storage::DirEntry>> entries = files.list(path);
  if (!entries) return unreadable(path, entries.error());
  std::vector<std::string> found;
  for (const storage::DirEntry& entry : *entries) {
    if (!entry.is_directory && is_dumpable(entry.name)) found.push_back(path + "/" + entry.name);
  }
  if (!found.empty()) return found;
  error none(errc::invalid_argument, "nothing in \"" + path + "\" is a file of a log");
  return none.set_hint("a partition's directory is log.dirs/TOPIC-PARTITION");
}

std::string finding_text(const storage::CheckFinding& finding, bool json) {
  DumpLine line(json, finding.is_damage ? "damage" : "remark");
  line.field("file", finding.file);
  if (finding.offset) line.field("offset", finding.offset->value);
  if (finding.position) line.field("position", *finding.position);
  return line.field("cause", finding.cause).field("hint", finding.hint).text();
}

/// A log directory holds logs in folders, a log's own holds segments.
Result<void> check(storage::FileSystem& files, const std::string& path, storage::CheckReport& report) {
  const Result<std::vector<storage::DirEntry>> entries = files.list(path);
  if (!entries) return entries.error();
  const bool holds_logs = std::ranges::any_of(*entries, [](const storage::DirEntry& entry) {
    return entry.name == "manifest" || entry.name == "meta.properties" ||
           (entry.is_directory && storage::parse_log_directory_name(entry.name).has_value());
  });
  if (holds_logs) return storage::check_log_dir(files, path, report);
  return storage::check_log({.files = &files, .directory = path}, std::nullopt, report);
}

}  // namespace

int run_debug_log_dump(const Command& command) {
  if (command.global.format == Format::tsv) return fail_usage(command.global, "a log has no form in columns", "--format json");
  if (command.log.path.empty()) return fail_usage(command.global, "which file or directory?", "tidelog debug log-dump FILE|DIR");
  storage::PosixFileSystem files;
  const result<std::vector<std::string>> paths = files_of(files, without_slash(command.log.path));
  if (!paths) return fail(command.global, paths.error());
  TextOut out([](std::string_view text) { return print(text); });
  const DumpStyle style{.is_json = is_json(command), .shows_records = command.log.shows_records};
  int code = kOk;
  for (const std::string& path : *paths) {
    const Dumped dumped = dump_file(files, path, style, out);
    if (dumped == Dumped::whole) continue;
    code = kFailed;
    out.flush();
    if (dumped == Dumped::unknown) {
      error unknown(errc::invalid_argument, "\"" + path + "\" is not named like a file of a log");
      return fail(command.global, unknown.set_hint("docs/formats.md lists the names"));
    }
    if (dumped == Dumped::unreadable) fail(command.global, unreadable(path, Errc::io));
  }
  out.flush();
  return out.is_open() ? code : kFailed;
}

int run_debug_log_verify(const Command& command) {
  if (command.global.format == Format::tsv) return fail_usage(command.global, "findings have no form in columns", "--format json");
  if (command.log.path.empty()) return fail_usage(command.global, "which directory?", "tidelog debug log-verify DIR");
  storage::PosixFileSystem files;
  storage::CheckReport report;
  const std::string path = without_slash(command.log.path);
  if (const Result<void> checked = check(files, path, report); !checked) return fail(command.global, unreadable(path, checked.error()));
  bool is_damaged = false;
  bool is_open = true;
  for (const storage::CheckFinding& finding : report.findings) {
    is_damaged = is_damaged || finding.is_damage;
    is_open = is_open && print(finding_text(finding, is_json(command)));
  }
  const std::string summary = std::to_string(report.logs) + (report.logs == 1 ? " log, " : " logs, ") + std::to_string(report.segments) +
                              " segments, " + std::to_string(report.batches) + " batches, " + std::to_string(report.bytes) +
                              " bytes: " + (is_damaged ? "damaged\n" : "whole\n");
  if (!command.global.is_quiet) std::fputs(summary.c_str(), stderr);
  return is_damaged || !is_open ? kFailed : kOk;
}

}  // namespace tidelog::cli
