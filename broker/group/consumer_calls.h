#pragma once

#include "broker/group/ports.h"
#include "broker/group/records.h"
#include "proto/error_code.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What members of consumer groups (KIP-848) ask, and what they are answered.

namespace tidelog::broker {

/// ConsumerGroupHeartbeat. What is not given has not changed since the member last said it.
struct ConsumerHeartbeatCall {
  std::string group;
  std::string member_id;
  std::string fresh_member_id;  ///< For a member of version 0 that has no name yet.
  std::int32_t member_epoch = 0;
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::vector<std::string>> subscribed_names;
  std::optional<std::string> subscribed_regex;
  std::optional<std::string> server_assignor;
  std::optional<PartitionsById> owned;
  std::int16_t version = 1;
};

struct ConsumerHeartbeatAnswer {
  ErrorCode error = ErrorCode::none;
  std::string error_message;
  std::string member_id;
  std::int32_t member_epoch = 0;
  std::int32_t heartbeat_interval_ms = 0;
  std::optional<PartitionsById> assignment;  ///< Nothing: as it was.
};

/// For ConsumerGroupDescribe. Names of topics are looked up by whoever answers.
struct ConsumerDescription {
  struct Member {
    std::string id;
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    std::int32_t epoch = 0;
    std::string client_id;
    std::string client_host;
    std::vector<std::string> subscribed_names;
    std::optional<std::string> subscribed_regex;
    PartitionsById assigned;
    PartitionsById target;
    bool is_classic = false;
  };
  std::string_view state = "";  ///< As Kafka prints it: Empty, Assigning, Reconciling, Stable, Dead.
  std::int32_t epoch = 0;
  std::int32_t assignment_epoch = 0;
  std::string assignor;
  std::vector<Member> members;
};

}  // namespace tidelog::broker
