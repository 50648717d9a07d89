#pragma once

#include "broker/log_dirs.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::broker {

/// Finds out in which log directory each partition is, by looking: what the metadata say is where it was.
/// Life: one start. What it saw is of when it was made.  Thread: a blocking one.
class PartitionFinder {
 public:
  PartitionFinder(storage::FileSystem& files, const LogDirs& dirs);

  struct Wanted {
    TopicPartition id;
    std::string_view topic;
    Uuid directory;  ///< Where the metadata say it is; zero: they do not say.
  };
  struct Found {
    ServedDir* dir = nullptr;               ///< Null, and no problem: it is nowhere, and was nowhere before.
    std::string problem;                    ///< Why it cannot be served, for people.
    std::string conflict;                   ///< Why nobody may start: it is there twice.
    bool was_moved = false;                 ///< It is not where the metadata say.
    std::optional<std::uint64_t> log_id{};  ///< Of the log that was found.
  };
  [[nodiscard]] Found find(const Wanted& wanted) const;

 private:
  [[nodiscard]] Found find_named(const Wanted& wanted, const std::vector<ServedDir*>& named) const;
  [[nodiscard]] Found find_missing(const Wanted& wanted, const std::vector<ServedDir*>& named) const;

  const LogDirs& dirs_;
  std::map<std::string, std::vector<ServedDir*>> by_name_;  ///< Directories of logs, by their name.
};

}  // namespace tidelog::broker
