#pragma once

#include "storage/log/log.h"

#include <functional>

namespace tidelog::testing {

/// What an owner does between the beginning of a truncation and the change of files. False: it failed.
struct TruncationMeans {
  std::function<bool(const storage::TruncationName&)> write_base;  ///< Empty: there is no journal.
  std::function<bool()> write_manifest;
};

/// Cuts a log back as its owner does, but in one go. Everything is synced.
inline Result<void> truncate_log(storage::Log& log, storage::FileSystem& files, Offset to, const TruncationMeans& means) {
  const Result<std::optional<storage::TruncationName>> cut = log.begin_truncation(to);
  if (!cut) return cut.error();
  if (!*cut) return {};
  if (means.write_base && !means.write_base(**cut)) return Errc::io;
  if (log.truncation_needs_manifest() && !means.write_manifest()) return Errc::io;
  const storage::TruncationEnd end = storage::carry_out_truncation({.files = &files, .directory = log.directory()}, **cut);
  log.end_truncation(end);
  return end == storage::TruncationEnd::done ? Result<void>() : Errc::io;
}

}  // namespace tidelog::testing
