// Opening what the log directory holds, before anything is served.
#include "broker/logging/log.h"
#include "broker/metadata/topic_names.h"
#include "broker/partition/log_config.h"
#include "broker/replicas.h"
#include "broker/shard/run_on.h"
#include "storage/disk/disk_error.h"

namespace tidelog::broker {

void Replicas::open_one(NewLog& wanted, const storage::Manifest& manifest, bool manifest_is_known, storage::RecoveryReport& report) const {
  const storage::LogConfig config = to_log_config(*wanted.config, *in_force_);
  const Result<storage::LogIdentity> there = storage::read_identity(wanted.place);
  // Half a partition.metadata is a creation that power loss cut short; `create` refuses if there are segments beside it.
  if (!there && (there.error() == Errc::not_found || there.error() == Errc::corrupt)) {
    if (manifest.find(wanted.id) != nullptr) {
      const bool is_there = env_.files().stat(wanted.place.directory).has_value();
      log_error("{} is {}, though the log held records: the partition is not served. Restore it from a backup and start again",
                wanted.place.directory + (is_there ? "/partition.metadata" : ""), is_there ? "missing or damaged" : "missing");
      return;
    }
    // The topic was committed and the broker stopped before its directory was there: nobody was told that it can be used. A directory that
    // somebody removed looks the same until a manifest names it, so it is told.
    auto made = storage::Log::create(wanted.place, wanted.identity, config);
    if (made) {
      log_warn("{} was not there or not finished: the partition begins anew, at offset 0", wanted.place.directory);
      wanted.log = std::move(*made);
    } else if (made.error() == Errc::exists) {
      log_error("{}/partition.metadata is missing or damaged: the partition is not served. Restore it from a backup and start again",
                wanted.place.directory);
    } else {
      wanted.refused = made.error();
    }
    return;
  }
  if (!there || there->topic_id != wanted.id.topic_id) {
    log_error("{} cannot be used: {}. The partition is not served", wanted.place.directory,
              there ? "it belongs to another topic of the same name" : name(there.error()));
    return;
  }
  storage::OpenRequest request{.identity = *there};
  const storage::ManifestEntry* known = manifest_is_known ? manifest.find(wanted.id, there->log_id) : nullptr;
  if (known != nullptr) request.recovery.known = known->recovery;
  request.recovery.was_clean = known != nullptr && manifest.clean;
  auto opened = storage::Log::open(wanted.place, config, request, report);
  if (!opened) {
    log_error("cannot open {}: {}. The partition is not served", wanted.place.directory, storage::describe_disk_error(opened.error()));
    return;
  }
  if ((*opened)->is_offline())
    log_error("{}: {}. The partition is not served; its bytes are untouched", wanted.place.directory, (*opened)->offline_reason());
  wanted.log = std::move(*opened);
}

/// The metadata name no such topic and never said that it was deleted: they lost their end, or somebody put the directory here. Its records
/// may be all there is, so they stay, under a name that is in nobody's way.
void Replicas::move_stray_away(const std::string& path, const storage::LogIdentity& identity) const {
  const auto aside = storage::set_stray_aside({.files = &env_.files(), .directory = path}, identity.log_id);
  if (aside) {
    log_error(
        "{} belongs to no topic that the metadata know, and they do not say that it was deleted: nothing of it is removed, it is {} now. "
        "If the metadata log was damaged, restore it from a backup and give the directory its name back",
        path, *aside);
  } else {
    log_error("{} belongs to no topic that the metadata know, and cannot be renamed: {}", path,
              storage::describe_disk_error(aside.error()));
  }
}

void Replicas::remove_left_overs(const Metadata& metadata) const {
  const auto entries = env_.files().list(dir_->path());
  if (!entries) return;
  for (const storage::DirEntry& entry : *entries) {
    if (!entry.is_directory) continue;
    const std::string path = dir_->path() + "/" + entry.name;
    if (storage::is_set_aside(entry.name)) {
      if (const Result<void> gone = env_.files().remove_all(path); !gone)
        log_warn("cannot remove {}: {}", path, storage::describe_disk_error(gone.error()));
      continue;
    }
    const auto parsed = storage::parse_log_directory_name(entry.name);
    if (!parsed || parsed->topic == kMetadataTopic) continue;
    const auto there = storage::read_identity({.files = &env_.files(), .directory = path});
    if (!there || metadata.image->find_topic(there->topic_id) != nullptr) continue;
    if (!metadata.deleted_topics.contains(there->topic_id)) {
      move_stray_away(path, *there);
      continue;
    }
    // Its deletion was committed; the crash came before the directory went.
    const auto aside = storage::set_log_aside({.files = &env_.files(), .directory = path}, there->log_id);
    if (aside) static_cast<void>(env_.files().remove_all(*aside).has_value());
  }
}

asio::awaitable<void> Replicas::open_all(LogDir& dir, const Metadata& metadata, storage::RecoveryReport& report) {
  dir_ = &dir;
  resolve_options(*metadata.image);
  std::vector<NewLog> logs;
  for (const auto& [name, topic] : metadata.image->topics()) {
    for (NewLog& log : plan(*topic, 0)) logs.push_back(std::move(log));
  }
  Job open = [&] {
    remove_left_overs(metadata);
    const bool known = dir.manifest_state() == storage::ManifestState::read;
    for (NewLog& log : logs) open_one(log, dir.manifest(), known, report);
  };
  co_await run_blocking(env_, home(), std::move(open));
  note_refused(logs);
  co_await hand_out(std::move(logs));
}

}  // namespace tidelog::broker
