#pragma once

#include "proto/error_code.h"
#include "tests/sim/client.h"
#include "tests/sim/group_audit.h"

#include <optional>

namespace tidelog::sim {

/// Who asks about offsets, and who is told what was answered.
struct OffsetCaller {
  ClientWorld& clients;
  KafkaConnection& connection;
  GroupAudit& audit;
};

/// Has the topic made that keeps groups. False: it could not be, or the connection is lost.
asio::awaitable<bool> find_coordinator(OffsetCaller caller, std::string group);

/// Who commits, for what, and with what request.
struct CommitAs {
  std::string group;
  std::string member_id;
  std::string instance_id;
  Reader reader;
  std::int16_t version = 9;
  std::vector<int> partitions;
};
/// The last error of its partitions; nothing: the connection is lost, and nobody knows what became of it.
asio::awaitable<std::optional<ErrorCode>> commit_offsets(OffsetCaller caller, CommitAs as);

/// Reads what a group has committed for every partition. False: the coordinator could not say, or the connection is lost.
asio::awaitable<bool> read_offsets(OffsetCaller caller, std::string group);

}  // namespace tidelog::sim
