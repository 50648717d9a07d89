#pragma once

#include "broker/env/env.h"
#include "broker/shard/budget.h"
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

/// One thread's share of the broker: its loop, its timers, its memory, and the end of each pass. Owns no protocol state itself.
/// Thread: its loop, except `loop().post`.
class Shard {
 public:
  Shard(Env& env, std::size_t index, std::size_t memory_limit_bytes);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] Env& env() { return env_; }
  [[nodiscard]] Loop& loop() { return *env_.loops()[index_]; }
  [[nodiscard]] Timers& timers() { return timers_; }
  [[nodiscard]] const std::shared_ptr<Budget>& budget() { return budget_; }

  /// `client.end_of_pass()` runs in `stage` of the current pass; again if it asks again from inside.
  void at_end_of_pass(PassStage stage, PassClient& client);
  /// For a client that dies before its pass ended.
  void forget(PassClient& client);

 private:
  static constexpr std::size_t kStages = 2;
  void run_pass();

  Env& env_;
  std::size_t index_;
  Timers timers_;
  std::shared_ptr<Budget> budget_;
  std::array<std::vector<PassClient*>, kStages> clients_;
  std::vector<PassClient*> running_;
  bool pass_scheduled_ = false;
};

/// Spreads partitions over shards. In memory only: nothing on disk knows it (R12).
inline std::size_t shard_of(const TopicPartition& id, std::size_t shards) {
  return (std::hash<Uuid>{}(id.topic_id) + static_cast<std::size_t>(id.partition.value)) % shards;
}

}  // namespace tidelog::broker
