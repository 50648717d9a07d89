#pragma once

#include "proto/codec/consumer_protocol.h"
#include "tests/unit/broker/group/consumer_client.h"
#include "tests/unit/broker/group/mixed_world.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tidelog::broker {

/// One consumer of the classic protocol as clients behave. An eager one gives up all it has before it joins again; a cooperative one joins
/// with what it has, gives up what it is not assigned any more, and joins again then. Either takes its time to give something up. What it
/// works on is `has`, from when it is told until it gave it up, or learns that it lost it.
class ClassicConsumer {
 public:
  using Fate = ConsumerClient::Fate;
  enum class Kind : std::uint8_t { eager, cooperative };

  static constexpr std::chrono::milliseconds kSession{6000};
  static constexpr std::chrono::milliseconds kRebalance{5000};

  ClassicConsumer(std::string name, std::optional<std::string> instance_id, Kind kind)
      : name_(std::move(name)), instance_id_(std::move(instance_id)), kind_(kind) {}

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::int32_t epoch() const { return generation_; }
  [[nodiscard]] const PartitionSet& has() const { return has_; }
  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] bool is_settled() const { return doing_ == Doing::works && !gives_up_at_ && has_ == assigned_; }
  [[nodiscard]] Moment next_beat() const { return next_at_; }
  [[nodiscard]] bool wants(const std::string& topic) const { return std::ranges::find(names_, topic) != names_.end(); }

  void subscribe(std::vector<std::string> names, const std::string& /*regex*/) {
    names_ = std::move(names);
    has_new_subscription_ = true;
  }
  void take_time(Moment time) { giving_up_takes_ = std::min<Moment>(time, kRebalance / 2); }
  void sleep_until(Moment moment) { next_at_ = moment; }

  void beat(MixedWorld& world, Fate fate);
  void leave(MixedWorld& world, Fate fate, bool comes_back);
  /// The answer to what it asked earlier. False: it is none of its.
  bool take_late(const LateAnswer& late, MixedWorld& world);
  /// Its connection to the coordinator is gone: there will be no answer.
  void disconnect(MixedWorld& world) {
    if (doing_ == Doing::waits_to_join || doing_ == Doing::waits_to_sync) rejoin(world);
  }

 private:
  enum class Doing : std::uint8_t { joins, waits_to_join, syncs, waits_to_sync, works };

  void join(MixedWorld& world, Fate fate);
  void sync(MixedWorld& world, Fate fate);
  void work(MixedWorld& world, Fate fate);
  void take(const JoinAnswer& answer, MixedWorld& world);
  void take(const SyncAnswer& answer, MixedWorld& world);
  void take_error(ErrorCode error, MixedWorld& world);
  void rejoin(MixedWorld& world);
  void give_up(MixedWorld& world);
  void lose();
  [[nodiscard]] OwnedBytes subscription(const MixedWorld& world) const;
  [[nodiscard]] std::vector<SyncCall::Assignment> share_out(const MixedWorld& world) const;

  std::string name_;
  std::optional<std::string> instance_id_;
  Kind kind_;
  std::vector<std::string> names_;
  std::string id_;
  int ids_ = 0;
  std::int32_t generation_ = -1;
  Doing doing_ = Doing::joins;
  Ticket ticket_ = 0;  ///< Of the answer it waits for.
  std::vector<JoinAnswer::Member> to_assign_;
  std::optional<std::uint64_t> leads_with_topics_;
  PartitionSet has_;
  PartitionSet assigned_;
  std::optional<Moment> gives_up_at_;
  Moment giving_up_takes_{};
  Moment next_at_{};
  bool has_new_subscription_ = false;
  bool is_done_ = false;
};

}  // namespace tidelog::broker
