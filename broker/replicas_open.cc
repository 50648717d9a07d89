// Opening what the log directory holds, before anything is served.
#include "broker/logging/log.h"
#include "broker/metadata/topic_names.h"
#include "broker/partition/log_config.h"
#include "broker/replicas.h"
#include "broker/shard/run_on.h"
#include "storage/disk/disk_error.h"

namespace tidelog::broker {
namespace {

/// At every start, until somebody did something about it.
void tell_damage(const storage::Log& log) {
  for (const storage::DamagedRange& range : log.damage().ranges()) {
    if (range.to <= log.log_start_offset()) continue;  // Nobody asks for it any more.
    log_error(
        "{}. They are answered with KAFKA_STORAGE_ERROR; everything before and behind is served. Restore the file from a copy, or let "
        "consumers go on from offset {}",
        storage::describe(log.directory(), range), range.to.value);
  }
}

}  // namespace

void Replicas::open_one(NewLog& wanted, TimestampMs now, storage::RecoveryReport& report) const {
  const storage::Manifest& manifest = dir_->manifest();
  const storage::LogConfig config = to_log_config(*wanted.config, *in_force_);
  const Result<storage::LogIdentity> there = storage::read_identity(wanted.place);
  // Half a partition.metadata is a creation that power loss cut short; `create` refuses if there are segments beside it.
  if (!there && (there.error() == Errc::not_found || there.error() == Errc::corrupt)) {
    if (manifest.find(wanted.id) != nullptr) {
      const bool is_there = env_.files().stat(wanted.place.directory).has_value();
      log_error("{} is {}, though the log held records: the partition is not served. Restore it from a backup and start again",
                wanted.place.directory + (is_there ? "/partition.metadata" : ""), is_there ? "missing or damaged" : "missing");
      note_unopened(wanted, std::nullopt, report);
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
      note_unopened(wanted, std::nullopt, report);
    } else {
      dir_->note_failed_recovery(made.error());
      ++report.unopened;
      wanted.refused = made.error();
    }
    return;
  }
  if (!there || there->topic_id != wanted.id.topic_id) {
    log_error("{} cannot be used: {}. The partition is not served", wanted.place.directory,
              there ? "it belongs to another topic of the same name" : name(there.error()));
    note_unopened(wanted, std::nullopt, report);
    return;
  }
  storage::OpenRequest request{.identity = *there};
  const bool manifest_is_known = dir_->manifest_state() == storage::ManifestState::read;
  const storage::ManifestEntry* known = manifest_is_known ? manifest.find(wanted.id, there->log_id) : nullptr;
  request.recovery.writes_survived = dir_->writes_survived();
  request.recovery.writes_again = dir_->had_failed_sync();
  request.recovery.had_damage = manifest.has_damage;
  request.recovery.now = now;
  if (known != nullptr) request.recovery.known = known->recovery;
  request.recovery.was_clean = known != nullptr && manifest.clean;
  request.journal = &dir_->journal();
  auto opened = storage::Log::open(wanted.place, config, request, report);
  if (!opened) {
    log_error("cannot open {}: {}. The partition is not served", wanted.place.directory, storage::describe_disk_error(opened.error()));
    dir_->note_failed_recovery(opened.error());
    note_unopened(wanted, there->log_id, report);
    return;
  }
  tell_damage(**opened);
  if ((*opened)->is_offline())
    log_error("{}: {}. The partition is not served; its bytes are untouched", wanted.place.directory, (*opened)->offline_reason());
  wanted.log = std::move(*opened);
}

/// Which log it is says its directory or, if that cannot be asked, the manifest. If neither can, whatever the journal has may be of it.
void Replicas::note_unopened(const NewLog& wanted, std::optional<std::uint64_t> log_id, storage::RecoveryReport& report) const {
  ++report.unopened;
  const storage::ManifestEntry* known = dir_->manifest().find(wanted.id);
  if (!log_id && known != nullptr) log_id = known->log_id;
  const bool is_in_journal = log_id ? !dir_->journal().of(*log_id).empty() : dir_->journal().logs() > 0;
  if (is_in_journal && report.must_not_go_on.empty())
    report.must_not_go_on = wanted.place.directory + " cannot be opened, and the journal may have records of it that were acknowledged";
}

/// False: what it holds is not known, and no log may be opened without.
bool Replicas::read_journal(storage::RecoveryReport& report) const {
  const Result<std::string> damage = dir_->read_journal();
  if (!damage) {
    report.must_not_go_on =
        "the journal in " + dir_->path() + " cannot be read: " + std::string(storage::describe_disk_error(damage.error()));
    return false;
  }
  if (!damage->empty()) log_error("{}: records that were acknowledged just before the broker ended may be missing", *damage);
  return true;
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
  const TimestampMs now = home().wall_clock();
  Job open = [&] {
    if (!read_journal(report)) return;
    remove_left_overs(metadata);
    for (NewLog& log : logs) open_one(log, now, report);
  };
  co_await run_blocking(env_, home(), std::move(open));
  dir.forget_journal();
  if (!report.must_not_go_on.empty()) co_return;
  note_refused(logs);
  co_await hand_out(std::move(logs));
}

}  // namespace tidelog::broker
