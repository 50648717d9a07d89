#include "broker/log_dir.h"

#include "broker/boot_id.h"
#include "broker/logging/log.h"
#include "broker/metadata/topic_names.h"
#include "storage/disk/disk_error.h"
#include "storage/log/identity.h"
#include "storage/log/identity_file.h"

#include <algorithm>
#include <charconv>

namespace tidelog::broker {
namespace {

constexpr std::uint64_t kLargestPropertiesBytes = 64 * 1024;

std::string properties_path(const std::string& directory) { return directory + "/meta.properties"; }

std::map<std::string, std::string> parse_lines(std::string_view text) {
  std::map<std::string, std::string> values;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos && !line.starts_with('#')) values[std::string(line.substr(0, equals))] = line.substr(equals + 1);
  }
  return values;
}

/// Makes the directory and what is missing above it, and makes the names durable: a log directory whose own name power loss takes away
/// would take every acknowledged record with it. That a name is there does not say that it is durable: the process that made it may have
/// died before it synced it. `meta.properties` says so, since it is written after this.
Result<void> make_durable_directory(storage::FileSystem& files, const std::string& path) {
  if (files.stat(properties_path(path))) return files.sync_dir(path);
  if (const Result<void> made = files.make_directory(path); !made) return made;
  std::string at = path;
  for (std::string parent = storage::parent_directory(at); parent != at; parent = storage::parent_directory(at)) {
    const Result<void> synced = files.sync_dir(parent);
    // Who may not even open a folder did not make anything in it either, and some file systems have no such call for folders.
    if (!synced && synced.error() != Errc::refused && synced.error() != Errc::invalid) return synced;
    at = parent;
  }
  return {};
}

Result<DirIdentity, StartError> parse_identity(const std::string& path, std::string_view text) {
  const std::map<std::string, std::string> values = parse_lines(text);
  DirIdentity identity;
  const auto value = [&](const char* key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string() : found->second;
  };
  const std::string node = value("node.id");
  const auto [end, error] = std::from_chars(node.data(), node.data() + node.size(), identity.node_id);
  identity.cluster_id = value("cluster.id");
  identity.directory_id = value("directory.id");
  if (error != std::errc() || end != node.data() + node.size() || identity.cluster_id.empty()) {
    return StartError{.message = path + " is damaged: it does not name a node and a cluster",
                      .hint = "restore the file from a backup; its lines are node.id=N, cluster.id=ID, directory.id=ID"};
  }
  return identity;
}

std::string failed_sync_path(const std::string& directory) { return directory + "/sync-failed"; }

/// The manifest is written before any topic can be made, so one that is missing beside topics was lost; beside none, it never was.
bool did_writes_survive(storage::FileSystem& files, const std::string& path, const storage::LoadedManifest& manifest) {
  if (files.stat(failed_sync_path(path))) return false;
  const Uuid now = boot_id(files, path);
  if (manifest.state == storage::ManifestState::read) return !now.is_zero() && manifest.manifest.boot_id == now;
  const Result<std::vector<storage::DirEntry>> entries = files.list(path);
  return manifest.state == storage::ManifestState::corrupt || !entries || std::ranges::any_of(*entries, [](const storage::DirEntry& entry) {
           const auto log = storage::parse_log_directory_name(entry.name);
           return log && log->topic != kMetadataTopic;
         });
}

/// A directory that was claimed once and has lost its name tag must not pass for a new one: another node could take it, and recovery would
/// not know that there was an unclean stop. The metadata log alone is what a first start that was cut short leaves.
Result<void, StartError> check_unclaimed(storage::FileSystem& files, const std::string& path) {
  const Result<std::vector<storage::DirEntry>> entries = files.list(path);
  if (!entries)
    return StartError{.message = "cannot read log directory " + path + ": " + std::string(storage::describe_disk_error(entries.error())),
                      .hint = "check its permissions and how its disk is mounted",
                      .is_of_disk = true};
  for (const storage::DirEntry& entry : *entries) {
    const auto log = storage::parse_log_directory_name(entry.name);
    if (!log || log->topic == kMetadataTopic) continue;
    return StartError{.message = properties_path(path) + " is missing, and the directory holds logs such as " + entry.name,
                      .hint =
                          "restore the file; its lines are version=1, node.id=N, cluster.id=ID, directory.id=ID. Or choose an empty "
                          "directory with -o log.dirs=DIR"};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LogDir>, StartError> LogDir::open(storage::FileSystem& files, const std::string& path, NodeId node,
                                                         std::uint64_t reserve_bytes) {
  std::unique_ptr<LogDir> dir(new LogDir(files, path, node, reserve_bytes));
  if (const Result<void> made = make_durable_directory(files, path); !made) {
    return StartError{.message = "cannot make log directory " + path + ": " + std::string(storage::describe_disk_error(made.error())),
                      .hint = "choose another with -o log.dirs=DIR",
                      .is_of_disk = true};
  }
  auto lock = files.lock(path);
  if (!lock) {
    const bool is_busy = lock.error() == Errc::busy;
    return StartError{.message = "cannot lock log directory " + path + ": " +
                                 (is_busy ? "another process holds it" : std::string(storage::describe_disk_error(lock.error()))),
                      .hint = is_busy ? "stop the other broker, or choose another directory with -o log.dirs=DIR"
                                      : "check its permissions and how its disk is mounted",
                      .is_of_disk = !is_busy};
  }
  dir->lock_ = std::move(*lock);
  const Result<std::string> text = storage::read_file(files, properties_path(path), kLargestPropertiesBytes);
  if (text) {
    Result<DirIdentity, StartError> identity = parse_identity(properties_path(path), *text);
    if (!identity) return identity.error();
    if (identity->node_id != node.value) {
      return StartError{.message = "log directory " + path + " belongs to node " + std::to_string(identity->node_id) +
                                   ", and this is node " + std::to_string(node.value),
                        .hint = "start with -o node.id=" + std::to_string(identity->node_id) + ", or choose another log.dirs"};
    }
    dir->identity_ = std::move(*identity);
  } else if (text.error() != Errc::not_found) {
    return StartError{.message = "cannot read " + properties_path(path) + ": " + std::string(name(text.error())),
                      .hint = "check the disk",
                      .is_of_disk = true};
  } else if (Result<void, StartError> unclaimed = check_unclaimed(files, path); !unclaimed) {
    return unclaimed.error();
  }
  Result<storage::LoadedManifest> manifest = storage::load_manifest(files, path);
  if (!manifest)
    return StartError{.message = "cannot read the manifest in " + path + ": " + std::string(name(manifest.error())),
                      .hint = "check the disk",
                      .is_of_disk = true};
  dir->manifest_ = std::move(*manifest);
  dir->had_failed_sync_ = files.stat(failed_sync_path(path)).has_value();
  dir->writes_survived_ = did_writes_survive(files, path, dir->manifest_);
  static_cast<void>(dir->reserve_.restore());  // A disk without room for it is told when somebody needs it.
  return dir;
}

void LogDir::note_failed_sync() {
  auto made = files_.open(failed_sync_path(path_), storage::OpenMode::create);
  while (!made && made.error() == Errc::no_space && reserve_.release(Reserve::Use::making_room)) {
    made = files_.open(failed_sync_path(path_), storage::OpenMode::create);
  }
  if (made) return;
  log_error("cannot make {}: {}. A start before the machine was restarted would believe what the disk may not have: restart it first",
            failed_sync_path(path_), storage::describe_disk_error(made.error()));
}

void LogDir::doubt() {
  had_failed_sync_ = true;
  writes_survived_ = false;
}

void LogDir::note_failed_recovery(Errc error) {
  if (error == Errc::io || error == Errc::no_space) note_failed_sync();
}

void LogDir::forget_failed_sync() { static_cast<void>(files_.remove(failed_sync_path(path_)).has_value()); }

Result<void> LogDir::claim(const std::string& cluster_id, const std::string& directory_id) {
  identity_.cluster_id = cluster_id;
  identity_.directory_id = directory_id;
  identity_.node_id = node_.value;
  return storage::replace_file(
      files_, properties_path(path_),
      "version=1\nnode.id=" + std::to_string(node_.value) + "\ncluster.id=" + cluster_id + "\ndirectory.id=" + directory_id + "\n");
}

Result<std::string> LogDir::read_journal() {
  const bool knows_where = manifest_.state == storage::ManifestState::read;
  if (is_new() || (knows_where && (manifest_.manifest.clean || !manifest_.manifest.replay_from))) return std::string();
  const std::optional<storage::JournalPosition> from = knows_where ? manifest_.manifest.replay_from : std::nullopt;
  Result<storage::JournalContents> contents = storage::JournalContents::load(files_, path_, Uuid::parse(identity_.directory_id), from);
  if (!contents) return contents.error();
  journal_ = std::move(*contents);
  if (journal_.end().is_missing && from) return path_ + "/journal is missing, though the manifest says that logs may need it";
  return journal_.end().damage;
}

storage::LogPlace LogDir::place_of(std::string_view topic, PartitionIndex partition) const {
  return {.files = &files_, .directory = path_ + "/" + storage::log_directory_name(topic, partition)};
}

}  // namespace tidelog::broker
