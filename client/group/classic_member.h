#pragma once

#include "client/group/membership.h"

namespace tidelog::core {

/// A member of a classic group. It gives up all it has before it joins again, unless all assignors it lists let it go on reading
/// (`keeps_reading`): then it says what it has when it joins, gives up what it was not given again, and joins once more if it had to.
///
///   state      | asks       | goes on to
///   outside    | join       | joining
///   joining    | (waiting)  | outside (an id was given, or the answer says: again), deciding (leader), sharing (others)
///   deciding   | nothing    | sharing, once the shapes of all topics are known
///   sharing    | sync       | syncing
///   syncing    | (waiting)  | stable, or outside if another generation began
///   stable     | heartbeats | giving_up (the group shares out anew, or what was shared out changed), outside (it was thrown out)
///    and reads on           | outside (shares out anew as above, or something was given up that waits for its next owner)
///   giving_up  | heartbeats | outside, once nobody reads what it had
///   idle       | leave once | outside, when it polls again
///   over       | leave once, if it was told to | -
///
/// With a filter it joins once all topics are known, and again when others match than those it joined with.
///
/// Invariant: whoever reads has heard that all is given up, or lost, before a join is sent; or the join names all that may be read.
class ClassicMember final : public Membership {
 public:
  explicit ClassicMember(MemberSettings settings) : settings_(std::move(settings)), keeps_(keeps_reading(settings_.assignors)) {
    if (!settings_.filter) topics_ = settings_.topics;
  }

  std::optional<Call> next(Moment now) override;
  [[nodiscard]] std::optional<Moment> wake() const override;
  void on_answer(CallAnswer answer, Moment now) override;
  void on_failure(Moment now) override;
  void on_refusal(error why) override;
  [[nodiscard]] std::optional<Change> change() const override;
  void on_change_done(const Change& done) override;
  [[nodiscard]] bool is_settled() const override { return state_ == State::stable && !has_news_; }
  [[nodiscard]] bool is_rejoining() const override;
  [[nodiscard]] std::vector<std::string> topics_wanted() const override;
  [[nodiscard]] bool wants_all_topics() const override { return !topics_; }
  void on_topics(const TopicShapes& topics) override;
  void on_poll(Moment now) override { polled_at_ = now; }
  void leave() override;
  [[nodiscard]] bool is_leaving() const override { return state_ == State::over; }
  [[nodiscard]] bool is_over() const override { return state_ == State::over && !says_goodbye_ && !is_asking_; }
  [[nodiscard]] const std::optional<error>& failure() const override { return failure_; }
  [[nodiscard]] std::string member_id() const override { return member_id_; }
  [[nodiscard]] std::int32_t generation() const override { return generation_; }

 private:
  enum class State : std::uint8_t { outside, joining, deciding, sharing, syncing, stable, giving_up, idle, over };

  void take(const JoinAnswer& answer);
  void take(const SyncAnswer& answer, Moment now);
  void take(const HeartbeatAnswer& answer);
  void take(const LeaveAnswer& /*answer*/) {}
  void take(const ConsumerAnswer& /*answer*/) {}

  [[nodiscard]] JoinCall join_call() const;
  [[nodiscard]] SyncCall sync_call() const;
  [[nodiscard]] bool is_member() const { return state_ == State::stable || state_ == State::giving_up; }
  [[nodiscard]] bool may_be_read() const { return is_member() || (is_rejoining() && !owned_.empty()); }
  [[nodiscard]] PartitionSet claims() const;
  void share_out_anew();
  void share_out_if_topics_changed();
  void match(const TopicShapes& topics);
  void decide(const TopicShapes& topics);
  void stop_reading_late(Moment now);
  void be_outside(bool keeps_id);
  void fail(ErrorCode code, std::string_view verb);

  MemberSettings settings_;
  bool keeps_;                                      ///< It goes on reading while it joins again.
  std::optional<std::vector<std::string>> topics_;  ///< What it wants; none: not known yet.
  std::vector<std::string> joined_with_;
  State state_ = State::outside;
  bool is_asking_ = false;
  bool says_goodbye_ = false;
  std::optional<error> failure_;
  std::string member_id_;
  std::int32_t generation_ = -1;
  std::string protocol_;
  std::vector<Candidate> members_;  ///< If it leads, and shall share out.
  PartitionCounts shared_;          ///< What the leader's assignment was made of.
  Assignments assignments_;
  bool has_news_ = false;  ///< `assigned_` was not taken yet.
  PartitionSet assigned_;
  PartitionSet owned_;          ///< What is read.
  PartitionSet claimed_;        ///< What it said it has when it joined.
  std::int32_t given_in_ = -1;  ///< The generation of `assigned_`.
  bool others_wait_ = false;    ///< For it to join again, once it has given up what they shall have.
  bool loses_ = false;          ///< Whoever reads has not heard yet that all of it is gone.
  std::optional<Moment> polled_at_;
  Moment heartbeat_at_;
};

}  // namespace tidelog::core
