#include "broker/shard/durability.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

/// One round: what is synced off-thread, and for whom. Owned by the blocking job until it comes back.
struct Round {
  struct Entry {
    DurableLog* log;  ///< Null once the log was forgotten.
    storage::SyncTicket ticket;
    Result<void> synced;
  };
  std::vector<Entry> entries;
};

class DirectDurability final : public Durability, private PassClient {
 public:
  DirectDurability(Shard& shard, std::move_only_function<void(std::string)> on_failure)
      : shard_(shard), on_failure_(std::move(on_failure)) {}
  ~DirectDurability() override {
    shard_.forget(*this);
    *alive_ = false;
  }

  void contribute(DurableLog& log) override {
    if (!std::exchange(log.waits_for_round, true)) waiting_.push_back(&log);
    if (round_ == nullptr) shard_.at_end_of_pass(PassStage::send, *this);
  }

  void forget(DurableLog& log) override {
    std::erase(waiting_, &log);
    if (round_ == nullptr) return;
    for (Round::Entry& entry : round_->entries) {
      if (entry.log == &log) entry.log = nullptr;
    }
  }

  asio::awaitable<void> contributed_are_durable() override {
    // The round under way may have begun before the last contribution; the one after it has not.
    const std::uint64_t through = rounds_begun_ + (waiting_.empty() ? 0 : 1);
    while (rounds_ended_ < through) {
      Signal ended(shard_.loop().executor());
      awaiting_.push_back(&ended);
      co_await ended.wait();
    }
  }

 private:
  /// Starts after the pass has appended all it brought, so that one round covers it.
  void end_of_pass() override {
    if (round_ == nullptr && !waiting_.empty() && !failed_) begin_round();
  }

  void begin_round() {
    auto round = std::make_shared<Round>();
    for (DurableLog* log : waiting_) {
      log->waits_for_round = false;
      round->entries.push_back({.log = log, .ticket = log->begin_sync(), .synced = {}});
    }
    waiting_.clear();
    round_ = round;
    ++rounds_begun_;
    shard_.env().blocking().run_first([round, &files = shard_.env().files()] { sync(*round, files); }, shard_.loop(),
                                      [this, alive = alive_, round] {
                                        if (*alive) end_round(*round);
                                      });
  }

  static void sync(Round& round, storage::FileSystem& files) {
    for (Round::Entry& entry : round.entries) {
      entry.synced = entry.ticket.sync(files);
      if (!entry.synced && entry.synced.error() != Errc::not_found) return;
    }
  }

  /// Whoever deletes a topic forgets its logs first and then removes their directories, maybe while a round is about to sync one. That it
  /// is not there any more is no failure then.
  static std::string failure_of(const Round& round) {
    for (const Round::Entry& entry : round.entries) {
      const bool was_deleted = entry.log == nullptr && !entry.synced && entry.synced.error() == Errc::not_found;
      if (!entry.synced && !was_deleted) return std::string(name(entry.synced.error()));
    }
    return {};
  }

  void end_round(Round& round) {
    round_ = nullptr;
    if (std::string failure = failure_of(round); !failure.empty()) {
      failed_ = true;
      on_failure_(std::move(failure));
      return;
    }
    for (Round::Entry& entry : round.entries) {
      if (entry.log != nullptr) entry.log->finish_sync(entry.ticket);
    }
    ++rounds_ended_;
    for (Signal* ended : std::exchange(awaiting_, {})) ended->notify();
    if (!waiting_.empty()) begin_round();
  }

  Shard& shard_;
  std::move_only_function<void(std::string)> on_failure_;
  std::vector<DurableLog*> waiting_;
  std::shared_ptr<Round> round_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::vector<Signal*> awaiting_;  ///< Each waits for the end of a round.
  std::uint64_t rounds_begun_ = 0;
  std::uint64_t rounds_ended_ = 0;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Durability> make_direct_durability(Shard& shard, std::move_only_function<void(std::string)> on_failure) {
  return std::make_unique<DirectDurability>(shard, std::move(on_failure));
}

}  // namespace tidelog::broker
