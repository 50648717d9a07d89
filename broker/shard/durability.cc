#include "broker/shard/durability.h"

#include "storage/disk/disk_error.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace tidelog::broker {
namespace {

/// From here on one sync of the whole disk is cheaper than one of each file.
constexpr std::size_t kManyFiles = 32;

/// One round: what is made durable off-thread, and for whom. Owned by the blocking job until it comes back.
struct Round {
  struct Entry {
    DurableLog* log;  ///< Null once the log was forgotten.
    storage::SyncTicket ticket;
    Result<void> synced;
  };
  std::vector<Entry> entries;
  bool is_for_journal = false;
  Result<void> whole;  ///< Of what was done once for all of them.

  void forget(DurableLog& log) {
    for (Entry& entry : entries) {
      if (entry.log == &log) entry.log = nullptr;
    }
  }

  /// Whoever deletes a topic forgets its logs first and then removes their directories, maybe while a round is about to sync one. That it
  /// is not there any more is no failure then.
  [[nodiscard]] std::string failure() const {
    if (!whole) return std::string(name(whole.error()));
    for (const Entry& entry : entries) {
      const bool was_deleted = entry.log == nullptr && !entry.synced && entry.synced.error() == Errc::not_found;
      if (!entry.synced && !was_deleted) return std::string(name(entry.synced.error()));
    }
    return {};
  }

  /// Whatever becomes of its logs.
  [[nodiscard]] bool failed_for_all() const {
    return !whole ||
           std::ranges::any_of(entries, [](const Entry& entry) { return !entry.synced && entry.synced.error() != Errc::not_found; });
  }

  void finish() {
    for (Entry& entry : entries) {
      if (entry.log != nullptr) entry.log->finish_sync(entry.ticket);
    }
  }
};

class Rounds final : public Durability, private PassClient {
 public:
  Rounds(Shard& shard, LogDisk& disk, std::move_only_function<void(DiskFailure, std::string)> on_failure)
      : shard_(shard), disk_(disk), on_failure_(std::move(on_failure)) {}
  ~Rounds() override {
    shard_.forget(*this);
    *alive_ = false;
  }

  void contribute(DurableLog& log) override {
    if (!std::exchange(log.waits_for_round, true)) waiting_.push_back(&log);
    if (round_ == nullptr) shard_.at_end_of_pass(PassStage::send, *this);
  }

  void forget(DurableLog& log) override {
    std::erase(waiting_, &log);
    if (round_ != nullptr) round_->forget(log);
    if (background_ != nullptr) background_->forget(log);
  }

  asio::awaitable<bool> contributed_are_durable() override {
    // The round under way may have begun before the last contribution; the one after it has not.
    const std::uint64_t through = rounds_begun_ + (waiting_.empty() ? 0 : 1);
    while (rounds_ended_ < through && !failed_) co_await an_end();
    co_return rounds_ended_ >= through;
  }

  asio::awaitable<bool> sync_files(std::vector<DurableLog*> logs) override {
    if (failed_) co_return false;
    auto round = std::make_shared<Round>();
    add(logs, storage::SyncMeans::files, *round);
    background_ = round;
    run(round, [this, round] {
      if (has_failed(*round)) return;
      background_ = nullptr;
      finish(*round);
    });
    while (background_ != nullptr && !failed_) co_await an_end();
    co_return background_ == nullptr;
  }

  void write_failed(const storage::Log& log, Errc error) override {
    const bool is_of_the_disk = error == Errc::io || error == Errc::not_found || log.is_offline();
    if (failed_ || !is_of_the_disk) return;
    std::string why = log.is_offline() ? log.offline_reason() : std::string(storage::describe_disk_error(error));
    on_failure_(DiskFailure::write, log.directory() + ": " + std::move(why));
  }

  void give_up() override {
    failed_ = true;
    wake();
  }

 private:
  /// Starts after the pass has appended all it brought, so that one round covers it.
  void end_of_pass() override {
    if (round_ == nullptr && !waiting_.empty() && !failed_) begin_round();
  }

  void begin_round() {
    auto round = std::make_shared<Round>();
    round->is_for_journal = journal_suits();
    for (DurableLog* log : waiting_) log->waits_for_round = false;
    add(waiting_, round->is_for_journal ? storage::SyncMeans::journal : storage::SyncMeans::files, *round);
    waiting_.clear();
    round_ = round;
    ++rounds_begun_;
    run(round, [this, round] {
      round_ = nullptr;
      if (has_failed(*round)) return;
      ++rounds_ended_;
      finish(*round);
      if (!waiting_.empty()) begin_round();
    });
  }

  [[nodiscard]] bool journal_suits() {
    if (waiting_.size() < 2) return false;
    std::uint64_t bytes = 0;
    for (const DurableLog* log : waiting_) {
      const DurableLog::Pending pending = log->pending();
      if (pending.needs_file_sync) return false;
      bytes += pending.bytes;
    }
    return disk_.journal.suits(waiting_.size(), bytes);
  }

  static void add(const std::vector<DurableLog*>& logs, storage::SyncMeans means, Round& round) {
    for (DurableLog* log : logs) round.entries.push_back({.log = log, .ticket = log->begin_sync(means), .synced = {}});
  }

  void run(const std::shared_ptr<Round>& round, std::move_only_function<void()> ended) {
    Job work = [round, &disk = disk_, &files = shard_.env().files()] { make_durable(*round, disk, files); };
    shard_.env().blocking().run_first(std::move(work), shard_.loop(), [alive = alive_, ended = std::move(ended)]() mutable {
      if (*alive) ended();
    });
  }

  static void make_durable(Round& round, LogDisk& disk, storage::FileSystem& files) {
    if (!round.is_for_journal || !write_to_journal(round, disk.journal)) sync(round, disk, files);
    if (round.failed_for_all()) disk.health->note_failure();
  }

  /// True: it is there, or nothing is durable any more.
  static bool write_to_journal(Round& round, SharedJournal& journal) {
    std::vector<const storage::SyncTicket*> tickets;
    for (const Round::Entry& entry : round.entries) tickets.push_back(&entry.ticket);
    const Result<bool> written = journal.write(tickets);
    if (!written) round.whole = written.error();
    if (written && *written) return true;
    for (Round::Entry& entry : round.entries) entry.ticket.means = storage::SyncMeans::files;
    return !written;
  }

  static void sync(Round& round, LogDisk& disk, storage::FileSystem& files) {
    std::size_t count = 0;
    for (const Round::Entry& entry : round.entries) count += entry.ticket.files.size() + entry.ticket.directories.size();
    if (count > kManyFiles) {
      const Result<void> synced = disk.health->sync(files, disk.path);
      // Who heard of an earlier failure has told of it.
      if (!synced && synced.error() != Errc::offline) round.whole = synced;
      return;
    }
    for (Round::Entry& entry : round.entries) {
      entry.synced = entry.ticket.sync(files);
      if (!entry.synced && entry.synced.error() != Errc::not_found) return;
    }
  }

  bool has_failed(const Round& round) {
    // What another shard heard of is about these bytes as well.
    if (disk_.has_failed()) failed_ = true;
    std::string failure = round.failure();
    if (failure.empty() && !failed_) return false;
    failed_ = true;
    wake();
    if (failure.empty()) return true;
    disk_.is_gone.store(true, std::memory_order_release);
    on_failure_(DiskFailure::sync, std::move(failure));
    return true;
  }

  void finish(Round& round) {
    round.finish();
    wake();
  }

  void wake() {
    for (Signal* ended : std::exchange(awaiting_, {})) ended->notify();
  }

  asio::awaitable<void> an_end() {
    Signal ended(shard_.loop().executor());
    awaiting_.push_back(&ended);
    co_await ended.wait();
  }

  Shard& shard_;
  LogDisk& disk_;
  std::move_only_function<void(DiskFailure, std::string)> on_failure_;
  std::vector<DurableLog*> waiting_;
  std::shared_ptr<Round> round_;
  std::shared_ptr<Round> background_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<Signal*> awaiting_;  ///< Each waits for the end of a round.
  std::uint64_t rounds_begun_ = 0;
  std::uint64_t rounds_ended_ = 0;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Durability> make_durability(Shard& shard, LogDisk& disk,
                                            std::move_only_function<void(DiskFailure, std::string)> on_failure) {
  return std::make_unique<Rounds>(shard, disk, std::move(on_failure));
}

}  // namespace tidelog::broker
