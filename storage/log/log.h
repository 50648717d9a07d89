#pragma once

#include "storage/compaction/last_batches.h"
#include "storage/compaction/plan.h"
#include "storage/compaction/swap.h"
#include "storage/config.h"
#include "storage/inspect/segment_scrub.h"
#include "storage/log/damage.h"
#include "storage/log/identity.h"
#include "storage/log/leader_epochs.h"
#include "storage/log/producer_state.h"
#include "storage/log/slice.h"
#include "storage/log/sync_ticket.h"
#include "storage/log/time_search.h"
#include "storage/log/truncation.h"
#include "storage/recovery.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tidelog::storage {

struct CleanedSegment;
class JournalContents;
struct LoadedLog;

struct ReadRequest {
  Offset from;
  Offset limit;  ///< No batch that ends above it is returned: the high watermark, or `end_offset()` for replicas.
  std::size_t max_bytes = 0;
  FirstBatch first_batch = FirstBatch::even_if_larger;
};

/// Whether the names of a new log are made durable at once, or its caller does so with one `sync_disk` for many logs, before any append.
enum class CreateSync : std::uint8_t { now, by_caller };

/// What `by_caller` left to do: makes the names and the identity of a new log durable. An error leaves nothing that a later creation would
/// take for a log. Blocks.
Result<void> sync_created(const LogPlace& place);

struct OpenRequest {
  LogIdentity identity;
  RecoveryRequest recovery;
  const JournalContents* journal = nullptr;  ///< What was acknowledged and may not be in the files.
  /// For a log that the manifest does not know: its creation may have been cut short before its directory was durable.
  CreateSync sync = CreateSync::now;
};

/// One partition's log: segments in Kafka's format and names, their indexes, leader epochs and producer state.
///
/// Life: made by `create` or `open`, ended by `close`. An idle log keeps no file open and reads nothing until first used; `release` brings
/// it back there. A log without records ever has no segment file.
/// Thread: the owner's; a `SyncTicket` may be synced and a slice's file read anywhere.
/// Crash: what a finished ticket covers is kept; of the rest any prefix is. Indexes, snapshots and the epoch file are rebuilt.
/// Invariant: log start <= end; recovery point <= end; but for `damage()`, segments are contiguous and each holds whole batches.
/// Once `is_offline`, every call fails with `Errc::offline` and no byte is changed any more.
class Log {
 public:
  /// Makes the directory and `partition.metadata`. `Errc::exists` if another log is there.
  static Result<std::unique_ptr<Log>> create(LogPlace place, const LogIdentity& identity, const LogConfig& config,
                                             CreateSync sync = CreateSync::now);
  /// Opens what is there: no read of a segment if the last file ends at the recovery point, else recovery. What is damaged is not served,
  /// and the rest is; a log of which nothing can be told is opened offline. Trusts `request.identity`: `read_identity` tells what a
  /// directory holds.
  static Result<std::unique_ptr<Log>> open(LogPlace place, const LogConfig& config, const OpenRequest& request, RecoveryReport& report);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  [[nodiscard]] const LogIdentity& identity() const { return identity_; }
  [[nodiscard]] const std::string& directory() const { return place_.directory; }
  [[nodiscard]] const LogConfig& config() const { return config_; }
  void set_config(const LogConfig& config) { config_ = config; }

  [[nodiscard]] Offset log_start_offset() const { return log_start_; }
  [[nodiscard]] Offset end_offset() const { return end_; }

  /// Writes validated batches, stamped with contiguous base offsets from `end_offset()` on, with one gathered write and returns the new
  /// end. Rolls before the write where limits demand it, never inside a call: a segment may thus exceed segment.bytes by what one call
  /// brought. On error nothing has changed (a partial write is cut back; if even that fails the log goes offline), staged producer state
  /// is dropped. `Errc::invalid`: offsets or epochs that do not continue the log.
  Result<Offset> append(std::span<const Bytes> batches);

  /// Whole batches of one segment from the one that holds `from`, up to where damage begins. Empty at `limit`. `out_of_range`: below log
  /// start or above the end; `corrupt`: `from` lies in what is damaged, found now or before.
  Result<Slice> read(const ReadRequest& request);
  /// What is known to be unreadable. Grows when a read or a search meets more. A range is forgotten when its file goes, so some may lie
  /// below the log start: they are nobody's loss.
  [[nodiscard]] const Damage& damage() const { return damage_; }

  /// The next step of a search that has nothing to read: gives it a stretch of a segment, or ends it. It looks at a few segments only, so
  /// it may do neither: call it again. `corrupt`: the record may lie in what is damaged.
  Result<void> advance(TimeSearch& search);
  /// After a search failed with `corrupt`: looks for damage in the segment where it did. True if some was found that was not known: search
  /// again. Reads nothing if known damage was what it met.
  bool look_for_damage(const TimeSearch& search);
  /// The first record below `limit` whose timestamp is at least `timestamp`. All steps in one go: not for an event loop.
  Result<std::optional<TimestampedOffset>> offset_for_timestamp(TimestampMs timestamp, Offset limit);
  /// The first record below `limit` with the greatest timestamp. The same.
  Result<std::optional<TimestampedOffset>> max_timestamp(Offset limit);

  /// Kafka's answer to OffsetForLeaderEpoch: the greatest epoch up to `epoch` and where it ended; -1/-1 if unknown.
  EpochEnd end_offset_for_epoch(LeaderEpoch epoch);
  /// The epoch in which the record at `offset` was (or, at the end, would be) written; -1 if unknown.
  LeaderEpoch epoch_at(Offset offset);
  LeaderEpoch latest_epoch();
  /// Notes that `epoch` begins at the end offset. Appends do so by themselves.
  void assign_epoch(LeaderEpoch epoch);

  /// Producer state, loaded if need be. If that fails the log is offline, and what this returns is empty.
  ProducerStates& producers();
  void expire_producers(TimestampMs now);

  /// Everything written so far, to be synced off-thread. Then, if and only if that succeeded, `finish_sync` moves the recovery point;
  /// rounds finish in the order they began. If it failed: `take_offline`, never sync again.
  SyncTicket begin_sync(SyncMeans means = SyncMeans::files);
  /// By `ticket.means`: in the journal bytes are durable, but the recovery point stays where the files were synced.
  void finish_sync(const SyncTicket& ticket);
  /// Bytes that no finished ticket covers.
  [[nodiscard]] std::uint64_t fresh_bytes() const;
  /// Something else than fresh bytes has to be made durable, which the journal cannot.
  [[nodiscard]] bool needs_file_sync() const { return has_unsynced_cut_; }
  /// Whether a ticket would cover anything new.
  [[nodiscard]] bool is_dirty() const { return recovery_point_.offset < end_ || directory_is_dirty_ || has_unsynced_cut_; }
  /// Up to here the files are synced.
  [[nodiscard]] Offset synced_end() const { return recovery_point_.offset; }
  /// Up to here the files are synced or the journal has what they have.
  [[nodiscard]] Offset durable_end() const { return durable_.offset; }
  /// What is synced and the manifest on disk does not say so: a crash would have it read again. About, once the log rolled.
  [[nodiscard]] std::uint64_t unlisted_bytes() const;
  /// For the manifest. Segments it refers to are kept until a later one was written: call `manifest_written` once it is.
  RecoveryPoint recovery_state();
  void manifest_written();
  /// Writes what shortens the next opening, unsynced: active index, epochs, producer snapshot. Call it right before `begin_sync`, so
  /// that the snapshot is not above the recovery point when the manifest is written.
  Result<void> checkpoint();

  /// Moves the log start up, in memory: an answer that depends on it waits for the manifest. `out_of_range` above the end.
  Result<void> advance_log_start(Offset to);
  /// What the manifest on disk says of this log, as far as it was told: also what a later one has to say once the log is offline.
  [[nodiscard]] const std::optional<RecoveryPoint>& in_manifest() const { return in_manifest_; }
  /// The log start that a crash leaves.
  [[nodiscard]] Offset durable_log_start() const { return in_manifest_ ? in_manifest_->log_start : Offset{0}; }
  /// Removes whole segments below the log start, as far as no manifest on disk or under way needs them. Returns how many went.
  Result<std::size_t> remove_segments_below_start();
  /// Moves the log start by retention.ms and retention.bytes, up to `limit` (the high watermark), then removes what lies below it in whole
  /// segments, except those that the manifest may still need: they go at a later call. Returns how many segments went. So does what
  /// recovery kept aside, when its day is over.
  Result<std::size_t> delete_old_segments(TimestampMs now, Offset limit);
  /// Bytes of all segments.
  Result<std::uint64_t> size_bytes();
  /// The same of the log in a directory, whoever has it open: asks the disk, loads nothing. Blocks.
  static Result<std::uint64_t> size_on_disk(const LogPlace& place);

  /// The synced part of the segment that holds `from`, for a scrub; nothing: no bytes are synced from there on.
  Result<std::optional<ScrubPiece>> piece_to_scrub(Offset from);
  /// Takes in what a scrub of `piece` found, and says what of it was new: it is not served from now on.
  std::vector<DamagedRange> note_damage(const ScrubPiece& piece, std::span<const DamagedRange> found);

  /// What compaction may rewrite: segments that are sealed, end at or below `limit` (the last stable offset), and lie before the file that
  /// recovery by the manifest on disk would begin with. None while a swap is under way, nor while all of them are clean and no tombstone is
  /// due by `now`: such a log is not loaded for it.
  Result<LogFacts> compaction_facts(Offset limit, TimestampMs now = {std::numeric_limits<std::int64_t>::max()});
  /// What is to be kept of producers: their newest batches below the recovery point, which no crash takes away.
  Result<LastBatches> last_batches();
  /// Puts a segment in the place of those it was made from; from here on reads find it, and whoever holds a slice of an old one keeps that.
  /// Then `finish_swap` has to be run, off-thread, and `end_swap` be told how that ended. `invalid`: they are not there any more, for
  /// example by retention; `busy`: another swap is under way. On an error nothing has changed.
  Result<void> begin_swap(CleanedSegment cleaned);
  void end_swap(SwapEnd end);
  /// The swap whose files are not settled; until they are, no segment is removed.
  [[nodiscard]] const std::optional<SwapName>& pending_swap() const { return swap_; }
  /// A pass is over and all of its swaps are: the next one begins there. `write_cleaner_checkpoint` makes a restart know, too.
  void set_cleaned(const CleanedUpTo& cleaned) { cleaned_ = cleaned; }
  /// While a cleaning works with its segments, nobody releases the log: each swap would load it again.
  void set_lent(bool is_lent) { is_lent_ = is_lent; }

  /// Cuts the log back to `to`, rounded down to where a batch begins; nothing if it ends at or below that already. From here on it reads as
  /// cut back and takes no appends, and a crash still leaves all of it. Needs everything to be synced in its files (the journal is not
  /// enough) and no round of it under way: `busy` otherwise, also while a swap or another truncation is. `out_of_range`: below the log
  /// start. Then, in this order:
  ///   a base of it is written to the journal, if there is one: no older batch of it may come back (`SharedJournal::write_bases`)
  ///   a manifest is written, if `truncation_needs_manifest`: recovery begins below the cut
  ///   `carry_out_truncation` is run, off-thread, and `end_truncation` is told how that ended.
  /// Whatever of this fails may be tried again. The caller assigns no epoch meanwhile.
  Result<std::optional<TruncationName>> begin_truncation(Offset to);
  /// The manifest on disk, or one that is being written, has recovery begin above the cut, where nothing will be.
  [[nodiscard]] bool truncation_needs_manifest() const;
  void end_truncation(TruncationEnd end);
  /// The one that is not carried out. A clean stop that cannot wait for it says in its manifest that there may be damage.
  [[nodiscard]] const std::optional<TruncationName>& pending_truncation() const { return truncation_; }

  /// Closes files and frees memory of a log that is not dirty; the next use loads them again. False if it is dirty or lent.
  bool release();
  /// The same for a log that nobody used since this was called before.
  void release_unused();
  [[nodiscard]] bool is_loaded() const { return loaded_ != nullptr; }
  /// Checkpoint and release. Syncs nothing: for that, run a round first.
  void close();

  void take_offline(std::string reason);
  [[nodiscard]] bool is_offline() const { return !offline_reason_.empty(); }
  [[nodiscard]] const std::string& offline_reason() const { return offline_reason_; }

  /// Heap and object bytes now, estimated; for tests and metrics.
  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  Log(LogPlace place, const LogIdentity& identity, const LogConfig& config);

  Result<LoadedLog*> loaded();
  Result<void> load();
  Result<void> load_into(LoadedLog& state);
  Result<void> load_segments(LoadedLog& state);
  void note_missing(const LoadedLog& state);
  Result<void> load_epochs_and_producers(LoadedLog& state);
  Result<bool> misses_last_epoch(LoadedLog& state, const LeaderEpochs& epochs) const;
  Result<Offset> load_snapshot(LoadedLog& state, Offset otherwise);
  Result<void> replay(LoadedLog& state, Offset from, Offset producers_from);
  LoadedLog* loaded_or_offline();

  Result<void> make_room(LoadedLog& state, std::span<const Bytes> batches);
  Result<void> roll(LoadedLog& state);
  Result<void> write(LoadedLog& state, std::span<const Bytes> batches);
  void apply(LoadedLog& state, std::span<const Bytes> batches);

  Result<Slice> read_whole(LoadedLog& state, ReadRequest request);
  Result<Slice> read_segment(LoadedLog& state, std::size_t at, const ReadRequest& request);
  [[nodiscard]] bool is_damaged(Offset offset) const;
  bool find_damage(LoadedLog& state, Offset at);
  bool find_damage_in(LoadedLog& state, std::size_t segment);
  bool find_damage_anywhere(LoadedLog& state);
  bool forget_damage();
  void save_damage();
  Result<void> advance_to_time(LoadedLog& state, TimeSearch& search);
  Result<void> advance_to_newest(LoadedLog& state, TimeSearch& search);
  Result<void> list_candidates(LoadedLog& state, TimeSearch& search);
  Result<void> look_through(LoadedLog& state, std::size_t at, TimeSearch& search);
  static Result<std::uint64_t> position_to_search(Segment& segment, const TimeSearch& search);
  Segment* next_segment(LoadedLog& state, TimeSearch& search) const;
  Result<std::optional<TimestampedOffset>> find_now(const TimeSearch::Question& question);

  void save_epochs(LoadedLog& state, SyncTicket& ticket);
  Result<void> save_snapshot(LoadedLog& state);
  void drop_old_snapshots(LoadedLog& state);
  void mark_synced(LoadedLog& state, const SyncTicket& ticket);

  Result<Offset> retention_start(LoadedLog& state, TimestampMs now, Offset limit);
  [[nodiscard]] bool is_needed_by_manifest(Offset segment_base, Offset segment_end) const;
  Result<std::size_t> remove_dead_segments(LoadedLog& state);
  void remove_old_asides(LoadedLog& state, TimestampMs now);
  Result<SegmentFacts> facts_of(LoadedLog& state, std::size_t at);
  Result<TruncationName> cut_at(LoadedLog& state, Offset to) const;
  void cut_back(LoadedLog& state, const TruncationName& cut);

  LogPlace place_;
  LogIdentity identity_;
  LogConfig config_;
  Offset log_start_{0};
  Offset end_{0};
  Offset tail_base_{0};  ///< The last segment: base and size, known without loading.
  std::uint64_t tail_bytes_ = 0;
  RecoveryPoint recovery_point_;
  RecoveryPoint durable_;  ///< Up to here every byte is in synced files or in the journal. Never below the recovery point.
  std::optional<RecoveryPoint> in_manifest_;   ///< What the manifest on disk says of this log,
  std::optional<RecoveryPoint> for_manifest_;  ///< and what was handed out for one that is being written.
  std::uint32_t files_made_ = 0;               ///< Counts new segment files, so that a ticket clears only what it covers.
  bool directory_is_dirty_ = false;
  bool has_unsynced_cut_ = false;
  std::uint32_t cuts_made_ = 0;
  std::uint32_t rounds_under_way_ = 0;  ///< Tickets that were not finished.
  Damage damage_;
  std::optional<CleanedUpTo> cleaned_;  ///< Read from its file when it is first asked for.
  std::optional<SwapName> swap_;
  std::uint32_t swaps_made_ = 0;  ///< Truncations count, too.
  bool is_lent_ = false;          ///< To a cleaning.
  std::optional<TruncationName> truncation_;
  std::uint32_t truncations_made_ = 0;
  bool has_been_loaded_ = false;  ///< Once, at least in part.
  bool was_used_ = false;         ///< Since `release_unused`.
  std::string offline_reason_;
  std::unique_ptr<LoadedLog> loaded_;
  std::unique_ptr<ProducerStates> no_producers_;  ///< What `producers()` answers when loading failed.
};

}  // namespace tidelog::storage
