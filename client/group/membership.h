#pragma once

#include "client/group/assignor.h"
#include "client/group/topic_filter.h"
#include "client/settings.h"
#include "proto/error_code.h"
#include <tidelog/error.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tidelog::core {

using Moment = std::chrono::steady_clock::time_point;
using PartitionSet = std::set<topic_partition>;
using Blob = std::vector<std::byte>;

/// Who a member is in its group, and what it wants.
struct MemberSettings {
  std::string group;
  std::string instance_id;  ///< Empty: not a static member.
  std::string rack;         ///< Empty: it does not say where it runs.
  std::vector<std::string> topics;
  std::shared_ptr<const TopicFilter> filter = {};  ///< In place of topics: all that match.
  std::vector<Assignor> assignors;                 ///< Classic, best first.
  std::string remote_assignor;
  Milliseconds heartbeat_interval{3'000};
  Milliseconds max_poll_interval{300'000};
};

/// What a member asks its coordinator.
struct JoinCall {
  std::string member_id;
  std::vector<std::pair<std::string, Blob>> protocols;
};
struct SyncCall {
  std::string member_id;
  std::int32_t generation = -1;
  std::string protocol;
  std::vector<std::pair<std::string, Blob>> assignments;  ///< By member; the leader's alone has any.
};
struct HeartbeatCall {
  std::string member_id;
  std::int32_t generation = -1;
};
struct LeaveCall {
  std::string member_id;
};
/// The one request of the consumer protocol.
struct ConsumerCall {
  std::string member_id;
  std::int32_t epoch = 0;
  bool is_whole = false;  ///< Says all about the member; else only what it has, if that changed.
  std::optional<std::vector<std::pair<Uuid, std::int32_t>>> owned;
};
using Call = std::variant<JoinCall, SyncCall, HeartbeatCall, LeaveCall, ConsumerCall>;

/// What the coordinator answers. Blobs are the other members', and hostile.
struct JoinAnswer {
  ErrorCode code = ErrorCode::none;
  std::int32_t generation = -1;
  std::string protocol;
  std::string leader;
  std::string member_id;
  bool skips_assignment = false;
  std::vector<Candidate> members;
};
struct SyncAnswer {
  ErrorCode code = ErrorCode::none;
  std::vector<topic_partition> assigned;
};
struct HeartbeatAnswer {
  ErrorCode code = ErrorCode::none;
};
struct LeaveAnswer {
  ErrorCode code = ErrorCode::none;
};
struct ConsumerAnswer {
  ErrorCode code = ErrorCode::none;
  std::string text;
  std::string member_id;
  std::int32_t epoch = 0;
  Milliseconds heartbeat_interval{5'000};
  std::optional<std::vector<std::pair<Uuid, std::int32_t>>> assigned;
};
using CallAnswer = std::variant<JoinAnswer, SyncAnswer, HeartbeatAnswer, LeaveAnswer, ConsumerAnswer>;

/// What whoever reads has to do before the member goes on: give up, then take.
struct Change {
  PartitionSet revoked;   ///< It may commit what it has read of them.
  PartitionSet lost;      ///< Too late for that: others may have them already.
  PartitionSet assigned;  ///< New.
  bool operator==(const Change&) const = default;
};

/// What is known of a topic.
struct TopicShape {
  Uuid id;
  std::int32_t partitions = 0;
  bool is_internal = false;
};
using TopicShapes = std::map<std::string, TopicShape, std::less<>>;

/// One member's side of a group: what it asks, and what it makes of the answers. It decides, others act: there is one request at a time,
/// and a `Change` is answered by `on_change_done` once whoever reads has followed it, be it an empty one. Meanwhile another may be due.
/// Pure: time is an argument.
class Membership {
 public:
  virtual ~Membership() = default;

  /// The request to send now, if any. It counts as sent; its answer goes to `on_answer`, or `on_failure` if there was none that counts.
  virtual std::optional<Call> next(Moment now) = 0;
  /// When `next` may have something although nothing happens; none: not by itself.
  [[nodiscard]] virtual std::optional<Moment> wake() const = 0;
  virtual void on_answer(CallAnswer answer, Moment now) = 0;
  virtual void on_failure(Moment now) = 0;
  /// The request cannot be made at all: the broker does not have it, or answers with what is none.
  virtual void on_refusal(error why) = 0;

  [[nodiscard]] virtual std::optional<Change> change() const = 0;
  virtual void on_change_done(const Change& done) = 0;

  /// Whether what is read is what the group has said, as far as is known.
  [[nodiscard]] virtual bool is_settled() const = 0;

  /// Whether the group shares out anew while what it has is read on: a commit may be refused now, and be taken a moment later.
  [[nodiscard]] virtual bool is_rejoining() const = 0;

  /// Topics whose shape has to be known before it goes on.
  [[nodiscard]] virtual std::vector<std::string> topics_wanted() const = 0;
  /// Whether it has to know all topics that there are before it goes on.
  [[nodiscard]] virtual bool wants_all_topics() const = 0;
  /// Whatever is known of topics now. A topic that is not there has no shape. For a member with a filter these are all there are.
  virtual void on_topics(const TopicShapes& topics) = 0;

  /// Whoever reads was here.
  virtual void on_poll(Moment now) = 0;
  /// The next request says goodbye, and is the last.
  virtual void leave() = 0;

  /// Whether what is asked now, or next, is the last.
  [[nodiscard]] virtual bool is_leaving() const = 0;
  /// Whether nothing is asked any more: it left, or failed.
  [[nodiscard]] virtual bool is_over() const = 0;
  /// Why it cannot be a member.
  [[nodiscard]] virtual const std::optional<error>& failure() const = 0;
  [[nodiscard]] virtual std::string member_id() const = 0;
  /// Of a classic group, or the member's epoch; -1: none.
  [[nodiscard]] virtual std::int32_t generation() const = 0;
};

}  // namespace tidelog::core
