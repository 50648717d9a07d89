#pragma once

#include "broker/group/ports.h"
#include "broker/group/records.h"
#include "proto/error_code.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What is asked about committed offsets, and what is answered. Topics that are named by id were looked up before; one that nobody knows
// never comes so far.

namespace tidelog::broker {

struct CommitCall {
  struct Partition {
    std::int32_t index = 0;
    std::int64_t offset = -1;
    std::int32_t leader_epoch = -1;
    std::optional<std::string> metadata;
  };
  struct Topic {
    std::string name;
    Uuid id;  ///< Zero if the request named none.
    std::vector<Partition> partitions;
  };
  std::string group;
  std::int32_t generation_or_epoch = -1;
  std::string member_id;
  std::optional<std::string> instance_id;
  std::int64_t retention_ms = -1;  ///< Versions 2 to 4 only.
  std::int16_t version = 10;       ///< Some codes exist from a version on only.
  std::vector<Topic> topics;
};

/// A code for each partition, in the call's order of topics and partitions.
struct CommitAnswer {
  std::vector<ErrorCode> partitions;
};

struct OffsetFetchCall {
  struct Topic {
    std::string name;
    std::vector<std::int32_t> partitions;
    Uuid id{};  ///< Not zero: what was committed for another topic of that name does not count.
  };
  std::string group;
  std::optional<std::string> member_id;
  std::int32_t member_epoch = -1;
  std::optional<std::vector<Topic>> topics;  ///< Nothing: all there are.
  bool require_stable = false;
};

struct OffsetFetchAnswer {
  struct Partition {
    std::int32_t index = 0;
    Offset offset{-1};
    LeaderEpoch leader_epoch{-1};
    std::string metadata;
    ErrorCode error = ErrorCode::none;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
    Uuid id{};  ///< Of all there are: whose offsets they are. Zero: nobody said.
  };
  ErrorCode error = ErrorCode::none;  ///< Of the group as a whole.
  std::vector<Topic> topics;
};

struct OffsetDeleteCall {
  struct Topic {
    std::string name;
    std::vector<std::int32_t> partitions;
  };
  std::string group;
  std::vector<Topic> topics;
};

/// A code for each partition, in the call's order; none if the group's code is an error.
struct OffsetDeleteAnswer {
  ErrorCode error = ErrorCode::none;
  std::vector<ErrorCode> partitions;
};

struct ListedGroup {
  std::string name;
  std::string protocol_type;
  std::string_view state;
  std::string_view type;  ///< "classic" or "consumer".
};

}  // namespace tidelog::broker
