#pragma once

#include "broker/group/consumer_calls.h"
#include "broker/group/partition_set.h"
#include "broker/group/reconciliation.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// One consumer as clients behave: it gives up what it is told to give up, takes its time for that, and says what it has when that changed
/// or when it does not know whether it was heard. What it works on is `has`, from when it is told until it gave it up. A world has a clock,
/// `now`, and answers a `heartbeat`.
class ConsumerClient {
 public:
  enum class Fate : std::uint8_t { heard, request_lost, answer_lost };

  ConsumerClient(std::string member_id, std::optional<std::string> instance_id)
      : id_(std::move(member_id)), instance_id_(std::move(instance_id)) {}

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] std::int32_t epoch() const { return epoch_; }
  [[nodiscard]] const PartitionSet& has() const { return has_; }
  /// What it was told last to have.
  [[nodiscard]] const PartitionSet& target() const { return target_; }
  [[nodiscard]] bool is_done() const { return is_done_; }
  [[nodiscard]] bool is_settled() const { return epoch_ > 0 && has_ == target_ && !must_acknowledge_; }
  [[nodiscard]] Moment next_beat() const { return next_beat_; }
  [[nodiscard]] const std::vector<std::string>& names() const { return names_; }
  [[nodiscard]] const std::string& regex() const { return regex_; }

  void subscribe(std::vector<std::string> names, std::string regex) {
    names_ = std::move(names);
    regex_ = std::move(regex);
    has_new_subscription_ = true;
  }
  /// How long it takes from now on to give something up.
  void take_time(Moment time) { revocation_takes_ = time; }
  void sleep_until(Moment moment) { next_beat_ = moment; }

  void beat(auto& world, Fate fate) {
    if (revoked_at_ && *revoked_at_ <= world.now) give_up();
    next_beat_ = world.now + kInterval;
    if (fate == Fate::request_lost) return miss(world);
    const ConsumerHeartbeatAnswer answer = world.heartbeat(call());
    if (fate == Fate::answer_lost) return miss(world);
    hear(answer, world);
  }

  /// Gives up all and says so. Whether that is heard, it does not care.
  void leave(auto& world, Fate fate, bool comes_back) {
    has_.clear();
    is_done_ = true;
    if (fate == Fate::request_lost) return;
    world.heartbeat({.group = "g",
                     .member_id = id_,
                     .fresh_member_id = {},
                     .member_epoch = comes_back ? kLeftForAWhile : -1,
                     .instance_id = instance_id_,
                     .client_id = id_,
                     .client_host = "/h"});
  }

  static constexpr std::chrono::milliseconds kInterval{1000};
  static constexpr std::chrono::milliseconds kRetry{100};
  static constexpr std::int32_t kRebalanceTimeoutMs = 6000;

 private:
  [[nodiscard]] ConsumerHeartbeatCall call() const {
    const bool is_full = epoch_ == 0 || was_missed_;
    ConsumerHeartbeatCall call{.group = "g",
                               .member_id = id_,
                               .fresh_member_id = {},
                               .member_epoch = epoch_,
                               .instance_id = instance_id_,
                               .client_id = id_,
                               .client_host = "/h"};
    if (is_full) call.rebalance_timeout_ms = kRebalanceTimeoutMs;
    if (is_full || has_new_subscription_) {
      call.subscribed_names = names_;
      call.subscribed_regex = regex_;
    }
    if (is_full || must_acknowledge_) call.owned = by_topic(has_);
    return call;
  }

  void miss(const auto& world) {
    was_missed_ = true;
    next_beat_ = world.now + kRetry;
  }

  void hear(const ConsumerHeartbeatAnswer& answer, const auto& world) {
    if (answer.error != ErrorCode::none) return hear_error(answer.error, world);
    was_missed_ = false;
    has_new_subscription_ = false;
    must_acknowledge_ = false;
    epoch_ = answer.member_epoch;
    if (!answer.assignment) return;
    target_ = flatten(*answer.assignment);
    revoked_at_.reset();
    if (!std::ranges::includes(target_, has_)) {
      revoked_at_ = world.now + revocation_takes_;
      next_beat_ = std::min(next_beat_, *revoked_at_);
    } else if (has_ != target_) {
      has_ = target_;
      must_acknowledge_ = true;
      next_beat_ = world.now;
    }
  }

  void hear_error(ErrorCode error, const auto& world) {
    next_beat_ = world.now + kRetry;
    if (error == ErrorCode::fenced_instance_id) {
      has_.clear();
      is_done_ = true;
    }
    if (error != ErrorCode::unknown_member_id && error != ErrorCode::fenced_member_epoch) return;
    has_.clear();
    target_.clear();
    revoked_at_.reset();
    must_acknowledge_ = false;
    epoch_ = 0;
  }

  void give_up() {
    revoked_at_.reset();
    has_ = target_;
    must_acknowledge_ = true;
  }

  std::string id_;
  std::optional<std::string> instance_id_;
  std::vector<std::string> names_;
  std::string regex_;
  std::int32_t epoch_ = 0;
  PartitionSet has_;
  PartitionSet target_;
  std::optional<Moment> revoked_at_;
  Moment revocation_takes_{};
  Moment next_beat_{};
  bool was_missed_ = false;
  bool must_acknowledge_ = false;
  bool has_new_subscription_ = false;
  bool is_done_ = false;
};

}  // namespace tidelog::broker
