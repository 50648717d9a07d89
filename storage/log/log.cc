#include "storage/log/log.h"

#include "storage/journal/restore.h"
#include "storage/log/file_names.h"
#include "storage/log/identity_file.h"
#include "storage/log/kept_aside.h"
#include "storage/log/loaded_log.h"
#include "storage/log/log_directory.h"
#include "storage/log/producer_snapshot.h"

#include <algorithm>
#include <array>
#include <utility>

namespace tidelog::storage {
namespace {

constexpr std::uint64_t kLargestEpochFile = 16U << 20;
constexpr std::uint64_t kLargestSnapshot = 256U << 20;

std::string identity_path(const LogPlace& place) { return place.directory + "/" + std::string(kMetadataFile); }

/// Whether a directory may become a new log: what a creation that did not finish left is no obstacle.
Result<bool> holds_a_log(const LogPlace& place) {
  const Result<LogIdentity> identity = read_identity(place);
  if (identity) return true;
  if (identity.error() != Errc::not_found && identity.error() != Errc::corrupt) return identity.error();
  const Result<std::vector<DirEntry>> entries = place.files->list(place.directory);
  if (!entries) return entries.error();
  return std::ranges::any_of(*entries, [](const DirEntry& entry) { return parse_offset_file(entry.name, kLogSuffix).has_value(); });
}

Result<void> write_identity(const LogPlace& place, const LogIdentity& identity, CreateSync sync) {
  const Result<std::unique_ptr<File>> file = place.files->open(identity_path(place), OpenMode::replace);
  if (!file) return file.error();
  const std::string text = encode_identity(identity);
  const std::array<Bytes, 1> parts{std::as_bytes(std::span(text))};
  if (const Result<void> written = (*file)->write_at(0, parts); !written) return written.error();
  return sync == CreateSync::now ? (*file)->sync() : Result<void>();
}

Result<void> sync_names(const LogPlace& place) {
  if (const Result<void> synced = place.files->sync_dir(place.directory); !synced) return synced.error();
  return place.files->sync_dir(parent_directory(place.directory));
}

/// Of a log that is there: its file and the names.
Result<void> sync_identity(const LogPlace& place) {
  const Result<std::unique_ptr<File>> file = place.files->open(identity_path(place), OpenMode::write);
  if (!file) return file.error();
  if (const Result<void> synced = (*file)->sync(); !synced) return synced.error();
  return sync_names(place);
}

/// A process that died while it created the log may have left names and metadata that only look finished. If a sync failed then, the bytes
/// need blocks of their own (see `Recovery::home_of`).
Result<void> finish_creation(const LogPlace& place, const LogIdentity& identity, bool writes_again) {
  if (writes_again) {
    if (const Result<void> replaced = replace_file(*place.files, identity_path(place), encode_identity(identity)); !replaced)
      return replaced.error();
    return sync_names(place);
  }
  return sync_identity(place);
}

/// Otherwise whoever tries again finds a log, and cannot know that it is none.
void undo_creation(const LogPlace& place) { static_cast<void>(place.files->remove(identity_path(place)).has_value()); }

bool is_garbage(Errc error) {
  return error == Errc::corrupt || error == Errc::unsupported || error == Errc::not_found || error == Errc::too_large ||
         error == Errc::out_of_range;
}

bool is_leftover(std::string_view name) {
  return name.ends_with(kTempSuffix) || name.ends_with(kDeletedSuffix) || name.ends_with(kCleanedSuffix);
}

}  // namespace

Log::Log(LogPlace place, const LogIdentity& identity, const LogConfig& config)
    : place_(std::move(place)), identity_(identity), config_(config) {}

Log::~Log() = default;

Result<void> sync_created(const LogPlace& place) {
  const Result<void> done = sync_identity(place);
  if (!done) undo_creation(place);
  return done;
}

Result<std::unique_ptr<Log>> Log::create(LogPlace place, const LogIdentity& identity, const LogConfig& config, CreateSync sync) {
  if (const Result<void> made = place.files->make_directory(place.directory); !made) return made.error();
  const Result<bool> is_taken = holds_a_log(place);
  if (!is_taken) return is_taken.error();
  if (*is_taken) return Errc::exists;
  Result<void> done = write_identity(place, identity, sync);
  if (done && sync == CreateSync::now) done = sync_names(place);
  if (!done) {
    undo_creation(place);
    return done.error();
  }
  return std::unique_ptr<Log>(new Log(std::move(place), identity, config));
}

namespace {

/// The files, and behind them what the journal has.
Result<RecoveredFiles> recover(const LogPlace& place, const OpenRequest& request, RecoveryReport& report) {
  const std::uint64_t log_id = request.identity.log_id;
  RecoveryRequest files = request.recovery;
  files.journal_follows = request.journal != nullptr && !request.journal->of(log_id).empty();
  Result<RecoveredFiles> recovered = recover_files(place, files, report);
  if (!recovered || !files.journal_follows) return recovered;
  if (const Result<void> restored = restore_from_journal(place, {.log_id = log_id, .journal = *request.journal}, *recovered, report);
      !restored)
    return restored.error();
  if (recovered->end.offset < recovered->end.log_start) {
    if (const Result<void> begun = begin_at_log_start(place, *recovered, report); !begun) return begun.error();
  }
  return recovered;
}

}  // namespace

Result<std::unique_ptr<Log>> Log::open(LogPlace place, const LogConfig& config, const OpenRequest& request, RecoveryReport& report) {
  const bool writes_again = request.recovery.writes_again;
  if (!request.recovery.known && (request.sync == CreateSync::now || writes_again)) {
    if (const Result<void> finished = finish_creation(place, request.identity, writes_again); !finished) return finished.error();
  }
  Result<RecoveredFiles> recovered = recover(place, request, report);
  if (!recovered) return recovered.error();
  std::unique_ptr<Log> log(new Log(std::move(place), request.identity, config));
  log->log_start_ = recovered->end.log_start;
  log->end_ = recovered->end.offset;
  log->tail_base_ = recovered->end.segment_base;
  log->tail_bytes_ = recovered->end.position;
  log->recovery_point_ = recovered->end;
  log->durable_ = recovered->end;
  log->in_manifest_ = request.recovery.known;
  log->damage_ = recovered->damage;
  if (recovered->scanned) {
    // Its producers and epochs have to be read again: now, off the hot path, and with the pages still warm.
    const Result<void> loaded = log->load();
    if (!loaded && !log->is_offline()) return loaded.error();
    if (log->is_offline()) report.notes.push_back(log->offline_reason());
  }
  return log;
}

Result<LoadedLog*> Log::loaded() {
  if (is_offline()) return Errc::offline;
  if (loaded_ == nullptr) {
    if (const Result<void> done = load(); !done) return done.error();
  }
  was_used_ = true;
  return loaded_.get();
}

LoadedLog* Log::loaded_or_offline() {
  const Result<LoadedLog*> state = loaded();
  if (state) return *state;
  if (!is_offline()) take_offline(place_.directory + ": its files cannot be read: " + std::string(name(state.error())));
  return nullptr;
}

Result<void> Log::load() {
  auto state = std::make_unique<LoadedLog>(config_);
  Result<void> done = load_into(*state);
  if (!done && done.error() == Errc::corrupt && find_damage_anywhere(*state)) {
    state = std::make_unique<LoadedLog>(config_);
    done = load_into(*state);
  }
  if (!done && done.error() == Errc::corrupt) {
    take_offline(place_.directory + ": its files are not those that it was opened with, or cannot be understood");
    return Errc::offline;
  }
  if (!done) return done.error();
  loaded_ = std::move(state);
  return {};
}

Result<void> Log::load_into(LoadedLog& state) {
  if (const Result<void> done = load_segments(state); !done) return done;
  return load_epochs_and_producers(state);
}

Result<void> Log::load_segments(LoadedLog& state) {
  const Result<std::vector<DirEntry>> entries = list_log_directory(place_);
  if (!entries) return entries.error();
  for (const DirEntry& entry : *entries) {
    if (const auto base = parse_offset_file(entry.name, kLogSuffix)) {
      state.segments.push_back(std::make_unique<Segment>(place_, config_, *base, entry.size_bytes));
      state.segments.back()->set_synced_bytes(entry.size_bytes);
      if (!damage_.empty()) state.segments.back()->set_holes(damage_.of_segment(*base));
    } else if (const auto offset = parse_offset_file(entry.name, kSnapshotSuffix)) {
      state.snapshots.push_back(*offset);
    } else if (parse_kept_aside(entry.name)) {
      state.kept_aside.push_back(entry.name);
    } else if (is_leftover(entry.name) && !has_been_loaded_) {                                   // Later they are of work under way.
      static_cast<void>(place_.files->remove(place_.directory + "/" + entry.name).has_value());  // Next time, if not now.
    }
  }
  has_been_loaded_ = true;
  Segment* tail = state.tail();
  const Offset base = tail == nullptr ? Offset{0} : tail->base();
  const std::uint64_t size = tail == nullptr ? 0 : tail->size_bytes();
  if (base != tail_base_ || size != tail_bytes_) return Errc::corrupt;  // Changed since it was opened, by somebody else.
  if (tail == nullptr) return {};
  note_missing(state);
  const Result<TimestampMs> since = tail->first_timestamp();
  if (!since) return since.error();
  state.tail_since = *since;
  const Result<const SegmentIndex*> index = tail->index();
  return index ? Result<void>() : index.error();
}

/// Files that are gone, or that hold nothing though a roll sealed them.
void Log::note_missing(const LoadedLog& state) {
  bool is_new = false;
  const Offset front = state.segments.front()->base();
  if (front > log_start_) is_new = damage_.add({.from = log_start_, .to = front, .segment_base = log_start_});
  for (std::size_t at = 0; at + 1 < state.segments.size(); ++at) {
    const Segment& segment = *state.segments[at];
    const Offset end = state.segments[at + 1]->base();
    if (end > log_start_ && segment.size_bytes() == 0)
      is_new = damage_.add({.from = segment.base(), .to = end, .segment_base = segment.base()}) || is_new;
  }
  if (is_new) save_damage();
}

Result<void> Log::load_epochs_and_producers(LoadedLog& state) {
  const Result<std::string> text = read_file(*place_.files, place_.directory + "/" + std::string(kEpochFile), kLargestEpochFile);
  if (!text && text.error() != Errc::not_found && text.error() != Errc::too_large) return text.error();
  Result<LeaderEpochs> stored = text ? LeaderEpochs::decode(*text) : Errc::not_found;
  if (stored) {
    const Result<bool> is_stale = misses_last_epoch(state, *stored);
    if (!is_stale) return is_stale.error();
    if (*is_stale) stored = Errc::corrupt;
  }
  const Offset front = state.segments.empty() ? end_ : state.segments.front()->base();
  const Result<Offset> producers_from = load_snapshot(state, front);
  if (!producers_from) return producers_from.error();
  if (stored) state.epochs = *stored;
  const Offset from = stored ? *producers_from : front;
  state.epochs.truncate_from_end(from);  // The batches say it again, and what recovery cut they do not say.
  if (const Result<void> done = replay(state, from, *producers_from); !done) return done.error();
  state.epochs.truncate_from_start(log_start_);
  state.epochs_are_dirty = !stored || stored->entries() != state.epochs.entries();
  return {};
}

/// Whether epochs from a file are of an earlier time than the log: the last batch tells.
Result<bool> Log::misses_last_epoch(LoadedLog& state, const LeaderEpochs& epochs) const {
  if (state.segments.empty() || end_ <= std::max(log_start_, state.segments.front()->base()) || is_damaged(end_ - 1)) return false;
  const Result<BatchPlace> last = state.use(state.segment_of(end_ - 1)).find(end_ - 1);
  if (!last) return last.error() == Errc::not_found ? Errc::corrupt : last.error();
  return epochs.epoch_at(std::max(last->header.base_offset, log_start_)) != last->header.leader_epoch &&
         last->header.leader_epoch.value >= 0;
}

/// Loads the newest usable snapshot and returns its offset, from which batches have to be replayed.
Result<Offset> Log::load_snapshot(LoadedLog& state, Offset otherwise) {
  while (!state.snapshots.empty()) {
    const Offset at = state.snapshots.back();
    const std::string path = offset_file(place_.directory, at, kSnapshotSuffix);
    const Result<std::string> bytes = at > end_ ? Errc::out_of_range : read_file(*place_.files, path, kLargestSnapshot);
    const auto entries = bytes ? decode_producer_snapshot(std::as_bytes(std::span(*bytes))) : bytes.error();
    if (!entries && !is_garbage(entries.error())) return entries.error();
    if (entries) {
      for (const ProducerEntry& entry : *entries) state.producers.load(entry);
      return std::max(at, otherwise);
    }
    // Garbage, or of batches that a crash took back.
    static_cast<void>(place_.files->remove(path).has_value());
    state.snapshots.pop_back();
  }
  return otherwise;
}

Result<void> Log::replay(LoadedLog& state, Offset from, Offset producers_from) {
  if (from >= end_) return {};
  for (std::size_t at = state.segment_of(from); at < state.segments.size(); ++at) {
    Segment& segment = state.use(at);
    const Result<BatchPlace> start = segment.find(from);
    if (!start && start.error() == Errc::not_found) continue;
    if (!start) return start.error();
    const Result<std::shared_ptr<File>> file = segment.file();
    if (!file) return file.error();
    HeaderWalk walk = segment.walk_from(**file, start->position);
    while (true) {
      const Result<bool> more = walk.next();
      if (!more) return more.error();
      if (!*more) break;
      state.epochs.assign(walk.header().leader_epoch, walk.header().base_offset);
      if (walk.header().base_offset >= producers_from) state.producers.apply(walk.header());
    }
  }
  return {};
}

ProducerStates& Log::producers() {
  if (LoadedLog* state = loaded_or_offline()) return state->producers;
  if (no_producers_ == nullptr) no_producers_ = std::make_unique<ProducerStates>(0);
  no_producers_->clear();
  return *no_producers_;
}

void Log::expire_producers(TimestampMs now) {
  if (loaded_ != nullptr) loaded_->producers.expire(now, config_.producer_id_expiration_ms);
}

EpochEnd Log::end_offset_for_epoch(LeaderEpoch epoch) {
  const LoadedLog* state = loaded_or_offline();
  return state == nullptr ? EpochEnd{} : state->epochs.end_offset_for(epoch, end_);
}

LeaderEpoch Log::epoch_at(Offset offset) {
  const LoadedLog* state = loaded_or_offline();
  return state == nullptr ? LeaderEpoch{-1} : state->epochs.epoch_at(offset);
}

LeaderEpoch Log::latest_epoch() {
  const LoadedLog* state = loaded_or_offline();
  return state == nullptr ? LeaderEpoch{-1} : state->epochs.latest();
}

void Log::assign_epoch(LeaderEpoch epoch) {
  LoadedLog* state = loaded_or_offline();
  if (state != nullptr && state->epochs.assign(epoch, end_)) state->epochs_are_dirty = true;
}

bool Log::release() {
  if (is_dirty() || swap_ || truncation_ || is_lent_) return false;
  close();
  return true;
}

void Log::release_unused() {
  if (!std::exchange(was_used_, false)) release();
}

void Log::close() {
  static_cast<void>(checkpoint().has_value());  // Without it the next opening reads more, and finds the same.
  loaded_.reset();
}

void Log::take_offline(std::string reason) {
  if (is_offline()) return;
  offline_reason_ = reason.empty() ? "taken offline" : std::move(reason);
}

std::size_t Log::memory_bytes() const {
  std::size_t total = sizeof *this + place_.directory.capacity();
  if (loaded_ == nullptr) return total;
  constexpr std::size_t kPerProducer = 256;
  total += sizeof *loaded_ + loaded_->producers.size() * kPerProducer;
  for (const std::unique_ptr<Segment>& segment : loaded_->segments) total += sizeof segment + segment->memory_bytes();
  return total;
}

}  // namespace tidelog::storage
