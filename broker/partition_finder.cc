#include "broker/partition_finder.h"

#include "storage/log/identity.h"
#include "storage/log/identity_file.h"

#include <algorithm>

namespace tidelog::broker {

PartitionFinder::PartitionFinder(storage::FileSystem& files, const LogDirs& dirs) : dirs_(dirs) {
  for (const auto& served : dirs.all()) {
    const auto entries = served->is_online() ? files.list(served->path()) : Result<std::vector<storage::DirEntry>>(Errc::offline);
    if (!entries) continue;
    for (const storage::DirEntry& entry : *entries) {
      if (entry.is_directory && storage::parse_log_directory_name(entry.name)) by_name_[entry.name].push_back(served.get());
    }
  }
}

PartitionFinder::Found PartitionFinder::find(const Wanted& wanted) const {
  const auto named = by_name_.find(storage::log_directory_name(wanted.topic, wanted.id.partition));
  static const std::vector<ServedDir*> kNone;
  return find_named(wanted, named == by_name_.end() ? kNone : named->second);
}

PartitionFinder::Found PartitionFinder::find_named(const Wanted& wanted, const std::vector<ServedDir*>& named) const {
  std::vector<ServedDir*> ours;
  std::optional<std::uint64_t> log_id;
  for (ServedDir* served : named) {
    const auto there = storage::read_identity(served->dir->place_of(wanted.topic, wanted.id.partition));
    if (!there || there->topic_id != wanted.id.topic_id) continue;
    ours.push_back(served);
    log_id = there->log_id;
  }
  const auto path_in = [&](const ServedDir& served) { return served.dir->place_of(wanted.topic, wanted.id.partition).directory; };
  if (ours.size() > 1) {
    return {.problem = {},
            .conflict = "the same partition is in two log directories, " + path_in(*ours[0]) + " and " + path_in(*ours[1]) +
                        ", and which of them is right cannot be told"};
  }
  if (ours.empty()) return find_missing(wanted, named);
  ServedDir& here = *ours.front();
  const bool is_elsewhere = !wanted.directory.is_zero() && wanted.directory != here.id;
  if (is_elsewhere && dirs_.find(wanted.directory) == nullptr && dirs_.has_offline()) {
    return {
        .problem = path_in(here) +
                   " is not where the metadata say, and the directory that they name may be the one that is offline: there may be a newer "
                   "copy. Take that directory out of log.dirs to have this one served",
        .conflict = {}};
  }
  return {.dir = &here, .problem = {}, .conflict = {}, .was_moved = is_elsewhere, .log_id = log_id};
}

PartitionFinder::Found PartitionFinder::find_missing(const Wanted& wanted, const std::vector<ServedDir*>& named) const {
  // What was begun there, or is missing there, is told by whoever opens it.
  if (ServedDir* const told = dirs_.find(wanted.directory)) return {.dir = told, .problem = {}, .conflict = {}};
  if (!wanted.directory.is_zero()) {
    return {.problem = std::string(wanted.topic) + "-" + std::to_string(wanted.id.partition.value) +
                       " is in the log directory with directory.id=" + wanted.directory.to_string() +
                       ", and no directory that is online has that: is its disk mounted, and is it in log.dirs?",
            .conflict = {}};
  }
  if (!named.empty()) return {.dir = named.front(), .problem = {}, .conflict = {}};
  for (const auto& served : dirs_.all()) {
    if (served->is_online() && served->dir->manifest().find(wanted.id) != nullptr)
      return {.dir = served.get(), .problem = {}, .conflict = {}};
  }
  if (!dirs_.has_offline()) return {};
  return {.problem = std::string(wanted.topic) + "-" + std::to_string(wanted.id.partition.value) +
                     " is in no log directory that is online: it may be in the one that is offline",
          .conflict = {}};
}

}  // namespace tidelog::broker
