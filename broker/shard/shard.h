#pragma once

#include "broker/env/env.h"
#include "broker/quota/name_digest.h"
#include "broker/shard/budget.h"
#include "broker/shard/limit_log.h"
#include "broker/shard/overdraft.h"
#include "broker/shard/timers.h"

#include <array>
#include <vector>

namespace tidelog::broker {

/// What happens once at the end of a loop pass, in this order: what the pass brought is appended, then what is ready is sent.
enum class PassStage : std::uint8_t { append, send };

/// Something that gathers work during a pass. At most once in each stage's list.
class PassClient {
 public:
  PassClient() = default;
  PassClient(const PassClient&) = delete;
  PassClient& operator=(const PassClient&) = delete;
  virtual void end_of_pass() = 0;

 protected:
  ~PassClient() = default;

 private:
  friend class Shard;
  bool queued_ = false;
};

/// Bytes that one shard may hold for its clients.
struct ShardMemory {
  std::size_t request_bytes = 0;                   ///< Requests that are being read or served.
  std::size_t response_bytes = 0;                  ///< Answers that are being made or not yet sent.
  std::shared_ptr<Overdraft> overdraft = nullptr;  ///< Of all shards; null: this one has its own, as large as its pool of answers.
  DigestKey key{};                                 ///< Of the digests by which pools know those who wait.
};

/// One thread's share of the broker: its loop, its timers, its memory, and the end of each pass. Owns no protocol state itself.
/// Thread: its loop, except `loop().post`.
class Shard {
 public:
  Shard(Env& env, std::size_t index, ShardMemory memory);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] Env& env() { return env_; }
  [[nodiscard]] Loop& loop() { return *env_.loops()[index_]; }
  [[nodiscard]] Timers& timers() { return timers_; }
  /// For requests.
  [[nodiscard]] const std::shared_ptr<Budget>& budget() { return budget_; }
  /// For answers, and for what is laid out to make one.
  [[nodiscard]] const std::shared_ptr<Budget>& response_budget() { return response_budget_; }
  /// For one answer that is too large for that.
  [[nodiscard]] const std::shared_ptr<Overdraft>& overdraft() { return overdraft_; }
  /// By which its pools know somebody.
  [[nodiscard]] NameDigest who(std::string_view name) const { return digest_of(name, key_); }
  [[nodiscard]] LimitLog& limits() { return limits_; }

  /// `client.end_of_pass()` runs in `stage` of the current pass; again if it asks again from inside.
  void at_end_of_pass(PassStage stage, PassClient& client) {
    if (!client.queued_) queue(stage, client);
  }
  /// For a client that dies before its pass ended.
  void forget(PassClient& client);

 private:
  static constexpr std::size_t kStages = 2;
  void queue(PassStage stage, PassClient& client);
  void schedule_pass();
  void run_pass();

  Env& env_;
  std::size_t index_;
  Timers timers_;
  std::shared_ptr<Budget> budget_;
  std::shared_ptr<Budget> response_budget_;
  std::shared_ptr<Overdraft> overdraft_;
  DigestKey key_;
  LimitLog limits_;
  std::array<std::vector<PassClient*>, kStages> clients_;
  std::vector<PassClient*> running_;
  bool pass_scheduled_ = false;  ///< Or under way.
};

/// Spreads partitions over shards. In memory only: nothing on disk knows it (R12).
inline std::size_t shard_of(const TopicPartition& id, std::size_t shards) {
  return (std::hash<Uuid>{}(id.topic_id) + static_cast<std::size_t>(id.partition.value)) % shards;
}

}  // namespace tidelog::broker
