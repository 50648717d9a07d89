// Opening what the log directory holds, before anything is served.
#include "broker/logging/log.h"
#include "broker/metadata/topic_names.h"
#include "broker/partition/log_config.h"
#include "broker/replicas.h"
#include "broker/shard/run_on.h"
#include "storage/disk/disk_error.h"

#include <algorithm>

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

/// The topic was committed and the broker stopped before its directory was there: nobody was told that it can be used. A directory that
/// somebody removed looks the same until a manifest names it, so it is told. Half a partition.metadata is a creation that power loss cut
/// short; `create` refuses if there are segments beside it.
void Replicas::make_at_start(NewLog& wanted, storage::RecoveryReport& report) const {
  if (wanted.dir->dir->manifest().find(wanted.id) != nullptr) {
    const bool is_there = env_.files().stat(wanted.place.directory).has_value();
    log_error("{} is {}, though the log held records: the partition is not served. Restore it from a backup and start again",
              wanted.place.directory + (is_there ? "/partition.metadata" : ""), is_there ? "missing or damaged" : "missing");
    note_unopened(wanted, std::nullopt, report);
    return;
  }
  auto made = storage::Log::create(wanted.place, wanted.identity, to_log_config(*wanted.config, *in_force_));
  if (made) {
    log_warn("{} was not there or not finished: the partition begins anew, at offset 0", wanted.place.directory);
    wanted.log = std::move(*made);
  } else if (made.error() == Errc::exists) {
    log_error("{}/partition.metadata is missing or damaged: the partition is not served. Restore it from a backup and start again",
              wanted.place.directory);
    note_unopened(wanted, std::nullopt, report);
  } else {
    wanted.dir->dir->note_failed_recovery(made.error());
    ++report.unopened;
    wanted.refused = made.error();
  }
}

void Replicas::open_one(NewLog& wanted, TimestampMs now, storage::RecoveryReport& report) const {
  const Result<storage::LogIdentity> there = storage::read_identity(wanted.place);
  if (!there && (there.error() == Errc::not_found || there.error() == Errc::corrupt)) return make_at_start(wanted, report);
  if (there && there->topic_id == wanted.id.topic_id) return open_found(wanted, *there, now, report);
  log_error("{} cannot be used: {}. The partition is not served", wanted.place.directory,
            there ? "it belongs to another topic of the same name" : name(there.error()));
  note_unopened(wanted, std::nullopt, report);
}

/// What the manifest knows of it: the one beside it, or that of the directory it was moved from.
void Replicas::add_known(const NewLog& wanted, storage::OpenRequest& request) const {
  const LogDir& here = *wanted.dir->dir;
  const storage::Manifest& manifest = here.manifest();
  const bool is_read = here.manifest_state() == storage::ManifestState::read;
  const storage::ManifestEntry* known = is_read ? manifest.find(wanted.id, request.identity.log_id) : nullptr;
  request.recovery.had_damage = manifest.has_damage;
  request.recovery.was_clean = known != nullptr && manifest.clean;
  for (const auto& served : disks_.dirs.all()) {
    if (known != nullptr || served->dir == nullptr || served->dir.get() == &here) continue;
    known = served->dir->manifest().find(wanted.id, request.identity.log_id);
    if (known != nullptr) request.recovery.had_damage = request.recovery.had_damage || served->dir->manifest().has_damage;
  }
  if (known != nullptr) request.recovery.known = known->recovery;
}

void Replicas::open_found(NewLog& wanted, const storage::LogIdentity& there, TimestampMs now, storage::RecoveryReport& report) const {
  LogDir& dir = *wanted.dir->dir;
  storage::OpenRequest request{.identity = there};
  add_known(wanted, request);
  request.recovery.writes_survived = dir.writes_survived();
  request.recovery.writes_again = dir.had_failed_sync();
  request.recovery.now = now;
  request.sync = wanted.is_durable ? storage::CreateSync::by_caller : storage::CreateSync::now;
  request.journal = &dir.journal();
  auto opened = storage::Log::open(wanted.place, to_log_config(*wanted.config, *in_force_), request, report);
  if (!opened) {
    log_error("cannot open {}: {}. The partition is not served", wanted.place.directory, storage::describe_disk_error(opened.error()));
    dir.note_failed_recovery(opened.error());
    note_unopened(wanted, there.log_id, report);
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
  const LogDir& dir = *wanted.dir->dir;
  const storage::ManifestEntry* known = dir.manifest().find(wanted.id);
  if (!log_id && known != nullptr) log_id = known->log_id;
  const bool is_in_journal = log_id ? !dir.journal().of(*log_id).empty() : dir.journal().logs() > 0;
  if (is_in_journal && report.must_not_go_on.empty())
    report.must_not_go_on = wanted.place.directory + " cannot be opened, and the journal may have records of it that were acknowledged";
}

/// If what it holds is not known, no log may be opened without.
void Replicas::read_journal(ServedDir& served, storage::RecoveryReport& report) {
  const Result<std::string> damage = served.dir->read_journal();
  if (!damage) {
    report.must_not_go_on =
        "the journal in " + served.path() + " cannot be read: " + std::string(storage::describe_disk_error(damage.error()));
  } else if (!damage->empty()) {
    log_error("{}: records that were acknowledged just before the broker ended may be missing", *damage);
  }
}

/// What must not go on with a directory ends its service, and nobody else's, unless the broker needs it: nothing in it is given up.
void Replicas::put_aside(ServedDir& served, storage::RecoveryReport& report) const {
  if (report.must_not_go_on.empty() || served.is_metadata) return;
  served.fail(std::exchange(report.must_not_go_on, {}));
  log_error("log directory {} is offline, the others are served: {}. Nothing of it was given up: mend that and start again", served.path(),
            served.failure);
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

void Replicas::remove_left_overs(const ServedDir& served, const Metadata& metadata) const {
  const auto entries = env_.files().list(served.path());
  if (!entries) return;
  for (const storage::DirEntry& entry : *entries) {
    if (!entry.is_directory) continue;
    const std::string path = served.path() + "/" + entry.name;
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

/// A directory that was moved left behind what the journal beside it has of it. Empty: nothing.
std::string Replicas::left_in_a_journal(const PartitionFinder::Found& place) const {
  for (const auto& served : disks_.dirs.all()) {
    const bool is_other = served->is_online() && place.log_id && served.get() != place.dir;
    if (is_other && !served->dir->journal().of(*place.log_id).empty()) {
      return "the journal in " + served->path() + " has records that were acknowledged of a partition that was moved to " +
             place.dir->path() + ": move it back for one start";
    }
  }
  return {};
}

/// Looks where each log is, once what nobody needs is out of the way. A broker that always had one directory need not look.
void Replicas::locate(std::vector<NewLog>& logs, const Image& image, storage::RecoveryReport& report) {
  const LogDirs& dirs = disks_.dirs;
  if (!dirs.are_several() && std::ranges::all_of(logs, [](const NewLog& log) { return log.directory.is_zero(); })) return;
  if (dirs.usable().empty()) {
    report.must_not_go_on = "none of log.dirs can be used";
    return;
  }
  const PartitionFinder finder(env_.files(), dirs);
  DirectoryPicker picker(image, {.broker = {options_.node_id}, .directories = dirs.choice()});
  std::map<Uuid, AssignDirectoriesRecord> found;
  std::set<ServedDir*> moved_to;
  for (NewLog& log : logs) {
    PartitionFinder::Found place = finder.find({.id = log.id, .topic = log.topic, .directory = log.directory});
    report.must_not_go_on = place.conflict.empty() ? left_in_a_journal(place) : place.conflict;
    if (!report.must_not_go_on.empty()) return;
    if (!place.problem.empty()) log_error("{}. The partition is not served", place.problem);
    if (place.dir == nullptr && place.problem.empty()) place.dir = dirs.are_several() ? dirs.find(picker.next()) : dir_of({});
    settle(log, place.dir);
    if (place.was_moved) moved_to.insert(place.dir);
    if (place.dir == nullptr || place.dir->id == log.directory) continue;
    const PartitionImage& known = image.find_topic(log.id.topic_id)->partitions[static_cast<std::size_t>(log.id.partition.value)];
    std::vector<Uuid> directories = known.directories;
    directories.resize(known.replicas.size());
    const auto mine = std::ranges::find(known.replicas, NodeId{options_.node_id}) - known.replicas.begin();
    directories[static_cast<std::size_t>(mine)] = place.dir->id;
    found[log.id.topic_id].partitions.push_back({.index = log.id.partition, .directories = std::move(directories)});
  }
  // Whoever moved it may not have waited until it was on the disk.
  for (const ServedDir* served : moved_to) static_cast<void>(served->disk.health->sync(env_.files(), served->path()).has_value());
  for (auto& [topic, record] : found) {
    record.topic_id = topic;
    assignments_.emplace_back(std::move(record));
  }
}

void Replicas::open_in_its_dir(NewLog& wanted, TimestampMs now, storage::RecoveryReport& report) const {
  if (wanted.dir == nullptr || !wanted.dir->is_online()) return;
  const std::uint64_t unopened = report.unopened;
  open_one(wanted, now, report);
  wanted.dir->unopened += report.unopened - unopened;
  put_aside(*wanted.dir, report);
}

/// Many that no manifest knows were made right before a crash, and of each names and identity may not be on the disk: one sync of the disk
/// does for all what takes some for each. If it fails nothing of the directory can be believed: a second sync would hear of nothing.
void Replicas::sync_unlisted(std::vector<NewLog>& logs, storage::RecoveryReport& report) const {
  std::map<ServedDir*, std::vector<NewLog*>> unlisted;
  for (NewLog& log : logs) {
    if (log.dir == nullptr || !log.dir->is_online() || log.dir->dir->manifest().find(log.id) != nullptr) continue;
    unlisted[log.dir].push_back(&log);
  }
  for (auto& [served, its] : unlisted) {
    if (its.size() <= kManyLogs) continue;
    const Result<void> synced = served->disk.health->sync(env_.files(), served->path());
    for (NewLog* log : its) log->is_durable = synced.has_value();
    if (synced) continue;
    report.must_not_go_on =
        "log directory " + served->path() + " cannot be synced: " + std::string(storage::describe_disk_error(synced.error()));
    put_aside(*served, report);
    if (!report.must_not_go_on.empty()) return;
  }
}

/// Blocks.
void Replicas::open_logs(std::vector<NewLog>& logs, const Metadata& metadata, TimestampMs now, storage::RecoveryReport& report) {
  for (const auto& served : disks_.dirs.all()) {
    if (!served->is_online()) continue;
    read_journal(*served, report);
    put_aside(*served, report);
    if (!report.must_not_go_on.empty()) return;
    if (served->is_online()) remove_left_overs(*served, metadata);
  }
  locate(logs, *metadata.image, report);
  if (report.must_not_go_on.empty()) sync_unlisted(logs, report);
  for (NewLog& log : logs) {
    if (!report.must_not_go_on.empty()) return;
    open_in_its_dir(log, now, report);
  }
}

asio::awaitable<void> Replicas::open_all(const Metadata& metadata, storage::RecoveryReport& report) {
  resolve_options(*metadata.image);
  std::vector<NewLog> logs;
  for (const auto& [name, topic] : metadata.image->topics()) {
    for (NewLog& log : plan(*topic, 0)) logs.push_back(std::move(log));
  }
  const TimestampMs now = home().wall_clock();
  Job open = [&] { open_logs(logs, metadata, now, report); };
  co_await run_blocking(env_, home(), std::move(open));
  for (const auto& served : disks_.dirs.all()) {
    if (served->dir != nullptr) served->dir->forget_journal();
  }
  if (!report.must_not_go_on.empty()) co_return;
  for (NewLog& log : logs) {
    if (log.dir != nullptr && !log.dir->is_online()) log.log.reset();
  }
  std::erase_if(logs, [](const NewLog& log) { return log.dir == nullptr; });
  note_refused(logs);
  co_await hand_out(std::move(logs));
}

}  // namespace tidelog::broker
