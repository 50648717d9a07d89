#include "broker/log_dirs.h"

#include "broker/logging/log.h"
#include "broker/metadata/topic_names.h"
#include "storage/disk/disk_error.h"
#include "storage/log/identity.h"

#include <algorithm>
#include <filesystem>
#include <map>

namespace tidelog::broker {
namespace {

/// As it is written, links left as they are.
std::string plain(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace

LogDirs::LogDirs(Env& env, const BrokerOptions& options) : env_(env), options_(options) {
  for (const std::string& path : options.log_dirs) dirs_.push_back(std::make_unique<ServedDir>(dirs_.size(), path));
  metadata_ = dirs_.front().get();
  const std::string& apart = options.metadata_log_dir;
  if (!apart.empty()) {
    const auto among = std::ranges::find_if(dirs_, [&](const auto& dir) { return plain(dir->path()) == plain(apart); });
    if (among != dirs_.end()) {
      metadata_ = among->get();
    } else {
      dirs_.push_back(std::make_unique<ServedDir>(dirs_.size(), apart));
      metadata_ = dirs_.back().get();
      metadata_->takes_partitions = false;
    }
  }
  metadata_->is_metadata = true;
}

Result<void, StartError> LogDirs::open_one(ServedDir& served) {
  const auto reserve_bytes = static_cast<std::uint64_t>(options_.disk_reserve_bytes);
  auto dir = LogDir::open(env_.files(), served.path(), {options_.node_id}, reserve_bytes);
  if (dir) {
    served.dir = std::move(*dir);
    served.id = Uuid::parse(served.dir->identity().directory_id);
    return {};
  }
  if (served.is_metadata || !dir.error().is_of_disk) return dir.error();
  served.fail(dir.error().message);
  log_error("log directory {} is offline, the others are served: {}. Its partitions come back with a start after that is mended",
            served.path(), served.failure);
  return {};
}

Result<void, StartError> LogDirs::open() {
  for (const auto& served : dirs_) {
    if (Result<void, StartError> opened = open_one(*served); !opened) return opened;
  }
  if (usable().empty()) {
    return StartError{.message = "none of log.dirs can be used: " + dirs_.front()->failure, .hint = "check the disks"};
  }
  if (Result<void, StartError> alike = check_identities(); !alike) return alike;
  if (Result<void, StartError> found = check_metadata_log(); !found) return found;
  share_disks();
  return {};
}

Result<void, StartError> LogDirs::check_identities() const {
  if (!are_several()) return {};
  std::map<Uuid, const ServedDir*> by_id;
  for (const auto& served : dirs_) {
    if (!served->is_online() || served->dir->is_new()) continue;
    const DirIdentity& identity = served->dir->identity();
    if (served->id.is_zero()) {
      return StartError{.message = served->path() + "/meta.properties has no directory.id, and with several directories each needs one",
                        .hint = "add the line directory.id=ID, with 22 characters of base64url that no other directory has"};
    }
    const auto [first, is_new] = by_id.emplace(served->id, served.get());
    if (!is_new) {
      return StartError{.message = first->second->path() + " and " + served->path() +
                                   " have the same directory.id: one is a copy of the "
                                   "other, or both are one directory",
                        .hint = "take one of them out of log.dirs"};
    }
    if (metadata_->dir->is_new()) {
      return StartError{.message = "the metadata log is looked for in " + metadata_->path() + ", which is empty, while " + served->path() +
                                   " belongs to cluster " + identity.cluster_id,
                        .hint = "say where it is with -o metadata.log.dir=DIR"};
    }
    if (identity.cluster_id != metadata_->dir->identity().cluster_id) {
      return StartError{.message = "log directory " + served->path() + " belongs to cluster " + identity.cluster_id + ", and " +
                                   metadata_->path() + " to cluster " + metadata_->dir->identity().cluster_id,
                        .hint = "give log.dirs directories of one cluster"};
    }
  }
  return {};
}

/// Two of them, and nobody knows which is the right one; one elsewhere, and a new, empty one would hide every topic.
Result<void, StartError> LogDirs::check_metadata_log() const {
  for (const auto& served : dirs_) {
    if (served->is_metadata || !served->is_online()) continue;
    const storage::LogPlace place = served->dir->place_of(kMetadataTopic, {0});
    if (!env_.files().stat(place.directory)) continue;
    return StartError{.message = "the metadata log is looked for in " + metadata_->path() + ", and there is one in " + served->path(),
                      .hint = "say where it is with -o metadata.log.dir=" + served->path() + ", or move it while the broker is stopped"};
  }
  return {};
}

void LogDirs::draw_ids() {
  for (const auto& served : dirs_) {
    if (!served->is_online() || !served->dir->is_new()) continue;
    while (served->id.is_zero()) env_.random().fill(served->id.bytes);
  }
}

void LogDirs::share_disks() {
  std::map<std::uint64_t, std::vector<ServedDir*>> disks;
  for (const auto& served : dirs_) {
    if (!served->is_online()) continue;
    const Result<std::uint64_t> disk = env_.files().disk_of(served->path());
    disks[disk ? *disk : UINT64_MAX - served->index].push_back(served.get());
  }
  for (const auto& [disk, together] : disks) share_disk(together);
}

/// What a failed sync left before the last end is every directory's of that file system, whichever of them could be marked.
void LogDirs::share_disk(const std::vector<ServedDir*>& together) const {
  const std::shared_ptr<DiskHealth> health = together.front()->disk.health;
  const bool had_failed = std::ranges::any_of(together, [](const ServedDir* served) { return served->dir->had_failed_sync(); });
  for (ServedDir* served : together) {
    served->disk.health = health;
    health->on_failure([dir = served->dir.get()] { dir->note_failed_sync(); });
    if (had_failed) served->dir->doubt();
  }
  // The system tells whoever syncs the disk first of what failed before; recovery writes all that again.
  if (had_failed) static_cast<void>(env_.files().sync_disk(together.front()->path()).has_value());
}

Result<void, StartError> LogDirs::claim(const std::string& cluster_id) {
  // The one with the metadata first: without its name tag a directory of the same cluster would look like a stranger's.
  std::vector<ServedDir*> order{metadata_};
  for (const auto& served : dirs_) {
    if (served.get() != metadata_ && served->is_online()) order.push_back(served.get());
  }
  for (ServedDir* served : order) {
    if (!served->dir->is_new() || served->dir->claim(cluster_id, served->id.to_string())) continue;
    StartError error{.message = "cannot write meta.properties in " + served->path(), .hint = "check space and permissions"};
    if (served->is_metadata) return error;
    served->fail(error.message);
    log_error("log directory {} is offline, the others are served: {}", served->path(), error.message);
  }
  if (usable().empty()) return StartError{.message = "none of log.dirs can be used", .hint = "check the disks"};
  return {};
}

bool LogDirs::is_vital(const ServedDir& dir) const {
  return &dir == metadata_ || (dir.disk.health == metadata_->disk.health && dir.disk.health->has_failed());
}

std::vector<ServedDir*> LogDirs::failing_with(const ServedDir& dir) const {
  std::vector<ServedDir*> failing;
  for (const auto& served : dirs_) {
    const bool shares = served->disk.health == dir.disk.health && dir.disk.health->has_failed();
    if (served.get() == &dir || shares) failing.push_back(served.get());
  }
  return failing;
}

bool LogDirs::has_offline() const {
  return std::ranges::any_of(dirs_, [](const auto& served) { return !served->is_online(); });
}

std::vector<ServedDir*> LogDirs::usable() const {
  std::vector<ServedDir*> usable;
  for (const auto& served : dirs_) {
    if (served->is_online() && served->takes_partitions) usable.push_back(served.get());
  }
  return usable;
}

std::vector<Uuid> LogDirs::choice() const {
  std::vector<Uuid> ids;
  if (!are_several()) return ids;
  for (const ServedDir* served : usable()) ids.push_back(served->id);
  return ids;
}

std::set<Uuid> LogDirs::online_ids() const {
  std::set<Uuid> ids;
  for (const auto& served : dirs_) {
    if (served->is_online()) ids.insert(served->id);
  }
  return ids;
}

ServedDir* LogDirs::find(const Uuid& id) const {
  const auto found = std::ranges::find_if(dirs_, [&](const auto& served) { return served->is_online() && served->id == id; });
  return found == dirs_.end() ? nullptr : found->get();
}

}  // namespace tidelog::broker
