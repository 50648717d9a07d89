#include "broker/shard/durability.h"

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
  Rounds(Shard& shard, SharedJournal& journal, std::string path, std::move_only_function<void(std::string)> on_failure)
      : shard_(shard), journal_(journal), path_(std::move(path)), on_failure_(std::move(on_failure)) {}
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

  asio::awaitable<void> contributed_are_durable() override {
    // The round under way may have begun before the last contribution; the one after it has not.
    const std::uint64_t through = rounds_begun_ + (waiting_.empty() ? 0 : 1);
    while (rounds_ended_ < through) co_await an_end();
  }

  asio::awaitable<void> sync_files(std::vector<DurableLog*> logs) override {
    auto round = std::make_shared<Round>();
    add(logs, storage::SyncMeans::files, *round);
    background_ = round;
    run(round, [this, round] {
      if (has_failed(*round)) return;
      background_ = nullptr;
      finish(*round);
    });
    while (background_ != nullptr) co_await an_end();
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
    return journal_.suits(waiting_.size(), bytes);
  }

  static void add(const std::vector<DurableLog*>& logs, storage::SyncMeans means, Round& round) {
    for (DurableLog* log : logs) round.entries.push_back({.log = log, .ticket = log->begin_sync(means), .synced = {}});
  }

  void run(const std::shared_ptr<Round>& round, std::move_only_function<void()> ended) {
    Job work = [round, &journal = journal_, &files = shard_.env().files(), path = path_] { make_durable(*round, journal, files, path); };
    shard_.env().blocking().run_first(std::move(work), shard_.loop(), [alive = alive_, ended = std::move(ended)]() mutable {
      if (*alive) ended();
    });
  }

  static void make_durable(Round& round, SharedJournal& journal, storage::FileSystem& files, const std::string& path) {
    if (!round.is_for_journal || !write_to_journal(round, journal)) sync(round, journal, files, path);
    if (round.failed_for_all()) journal.note_disk_failure();
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

  static void sync(Round& round, SharedJournal& journal, storage::FileSystem& files, const std::string& path) {
    std::size_t count = 0;
    for (const Round::Entry& entry : round.entries) count += entry.ticket.files.size() + entry.ticket.directories.size();
    if (count > kManyFiles) {
      const Result<void> synced = journal.sync_disk(files, path);
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
    if (journal_.has_disk_failed()) failed_ = true;
    std::string failure = round.failure();
    if (failure.empty()) return failed_;
    failed_ = true;
    on_failure_(std::move(failure));
    return true;
  }

  void finish(Round& round) {
    round.finish();
    for (Signal* ended : std::exchange(awaiting_, {})) ended->notify();
  }

  asio::awaitable<void> an_end() {
    Signal ended(shard_.loop().executor());
    awaiting_.push_back(&ended);
    co_await ended.wait();
  }

  Shard& shard_;
  SharedJournal& journal_;
  const std::string path_;
  std::move_only_function<void(std::string)> on_failure_;
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

std::unique_ptr<Durability> make_durability(Shard& shard, SharedJournal& journal, std::string path,
                                            std::move_only_function<void(std::string)> on_failure) {
  return std::make_unique<Rounds>(shard, journal, std::move(path), std::move(on_failure));
}

}  // namespace tidelog::broker
