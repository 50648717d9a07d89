#pragma once

#include "client/group/membership.h"

namespace tidelog::core {

/// A member of a group whose coordinator shares out the partitions: it says what it wants and what it has, and is told what it shall have.
///
///   state   | asks                                              | goes on to
///   outside | heartbeat of epoch 0, with all there is to say    | inside
///   inside  | heartbeats; one at once when what it has changed  | outside (fenced, or not known any more)
///   idle    | heartbeat of epoch -1, once                       | outside, when it polls again
///   over    | the same, or -2 as a static member                | -
///
/// Invariant: it says that it has a partition only after whoever reads has taken it, and no longer once that has given it up.
class ConsumerMember final : public Membership {
 public:
  /// `id` is this member's alone, in all of the cluster.
  ConsumerMember(MemberSettings settings, std::string id) : settings_(std::move(settings)), member_id_(std::move(id)) {}

  std::optional<Call> next(Moment now) override;
  [[nodiscard]] std::optional<Moment> wake() const override;
  void on_answer(CallAnswer answer, Moment now) override;
  void on_failure(Moment now) override;
  void on_refusal(error why) override;
  [[nodiscard]] std::optional<Change> change() const override;
  void on_change_done(const Change& done) override;
  [[nodiscard]] bool is_settled() const override { return state_ == State::inside && !has_news_; }
  [[nodiscard]] bool is_rejoining() const override { return false; }
  [[nodiscard]] std::vector<std::string> topics_wanted() const override;
  [[nodiscard]] bool wants_all_topics() const override { return settings_.filter && waits_for_names(); }
  void on_topics(const TopicShapes& topics) override;
  void on_poll(Moment now) override { polled_at_ = now; }
  void leave() override;
  [[nodiscard]] bool is_leaving() const override { return state_ == State::over; }
  [[nodiscard]] bool is_over() const override { return state_ == State::over && !says_goodbye_ && !is_asking_; }
  [[nodiscard]] const std::optional<error>& failure() const override { return failure_; }
  [[nodiscard]] std::string member_id() const override { return member_id_; }
  [[nodiscard]] std::int32_t generation() const override { return state_ == State::inside ? epoch_ : -1; }

 private:
  enum class State : std::uint8_t { outside, inside, idle, over };
  using Place = std::pair<Uuid, std::int32_t>;

  void take(const ConsumerAnswer& answer, Moment now);
  ConsumerCall heartbeat();
  [[nodiscard]] std::map<topic_partition, Uuid> wanted() const;
  [[nodiscard]] bool has_nameless() const;
  [[nodiscard]] bool waits_for_names() const { return state_ == State::inside && has_news_ && has_nameless(); }
  void stop_reading_late(Moment now);
  void be_outside();
  void fail(const ConsumerAnswer& answer);

  MemberSettings settings_;
  std::string member_id_;
  State state_ = State::outside;
  bool is_asking_ = false;
  bool says_goodbye_ = false;
  std::optional<error> failure_;
  std::int32_t epoch_ = 0;
  std::set<Place> target_;
  bool has_news_ = false;     ///< Whoever reads has not followed `target_` yet.
  bool must_report_ = false;  ///< What it has changed, and the coordinator waits for it.
  bool must_say_all_ = true;  ///< Nobody knows what the coordinator has heard.
  std::map<Uuid, std::string> names_;
  std::map<topic_partition, Uuid> owned_;  ///< What is read.
  bool loses_ = false;                     ///< Whoever reads has not heard yet that all of it is gone.
  std::optional<Moment> polled_at_;
  Moment heartbeat_at_;
  Milliseconds interval_{5'000};
};

}  // namespace tidelog::core
