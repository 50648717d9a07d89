#pragma once

#include "broker/group/ports.h"
#include "broker/group/records.h"
#include "proto/error_code.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// What members of classic groups ask, and what they are answered. Nulls of the protocol are `nullopt`; views into requests end here.

namespace tidelog::broker {

struct ClassicProtocol {
  std::string name;
  OwnedBytes metadata;
  bool operator==(const ClassicProtocol&) const = default;
};

struct JoinCall {
  Ticket ticket = 0;
  std::string group;
  std::string member_id;  ///< Empty: has none yet.
  std::optional<std::string> instance_id;
  std::string fresh_member_id;  ///< What the member shall be called if it needs a name: made by the driver, which has the randomness.
  std::string client_id;
  std::string client_host;
  std::chrono::milliseconds session_timeout{0};
  std::chrono::milliseconds rebalance_timeout{0};  ///< Version 0 has none: the driver takes the session's.
  std::string protocol_type;
  std::vector<ClassicProtocol> protocols;
  std::string reason;
  bool must_know_its_id = false;     ///< From version 4 on: MEMBER_ID_REQUIRED for who has no name.
  bool may_skip_assignment = false;  ///< From version 9 on.
};

struct JoinAnswer {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    OwnedBytes metadata;
    bool operator==(const Member&) const = default;
  };
  ErrorCode error = ErrorCode::none;
  std::int32_t generation = -1;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::string leader;
  bool skip_assignment = false;
  std::string member_id;
  std::vector<Member> members;  ///< For the leader only.
};

/// Nothing but why not; `member_id` as the member shall know itself, empty if it shall begin anew.
inline JoinAnswer join_refused(ErrorCode error, std::string member_id = {}) {
  JoinAnswer answer;
  answer.error = error;
  answer.member_id = std::move(member_id);
  return answer;
}

struct SyncCall {
  struct Assignment {
    std::string member_id;
    OwnedBytes bytes;
  };
  Ticket ticket = 0;
  std::string group;
  std::int32_t generation = -1;
  std::string member_id;
  std::optional<std::string> instance_id;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  std::vector<Assignment> assignments;
};

struct SyncAnswer {
  ErrorCode error = ErrorCode::none;
  std::optional<std::string> protocol_type;
  std::optional<std::string> protocol;
  OwnedBytes assignment;
};

inline SyncAnswer sync_refused(ErrorCode error) {
  SyncAnswer answer;
  answer.error = error;
  return answer;
}

struct HeartbeatCall {
  std::string group;
  std::int32_t generation = -1;
  std::string member_id;
  std::optional<std::string> instance_id;
};

struct LeaveCall {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string reason;
  };
  std::string group;
  std::vector<Member> members;
};

/// One code for each member that was named, in their order.
struct LeaveAnswer {
  ErrorCode error = ErrorCode::none;
  std::vector<ErrorCode> members;
};

/// Answers to requests that were not answered at once.
struct LateAnswer {
  Ticket ticket = 0;
  std::variant<JoinAnswer, SyncAnswer> answer;
};

/// For DescribeGroups.
struct ClassicDescription {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::string client_id;
    std::string client_host;
    OwnedBytes metadata;    ///< Of the chosen protocol; empty unless the group is stable.
    OwnedBytes assignment;  ///< While the group rebalances: what it had before.
  };
  std::string_view state = "";  ///< As Kafka prints it: Empty, PreparingRebalance, CompletingRebalance, Stable, Dead.
  std::string protocol_type;
  std::string protocol;  ///< Empty unless one is chosen.
  std::vector<Member> members;
};

}  // namespace tidelog::broker
