#pragma once

#include "proto/codec/versioned.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// What consumers of a classic group (protocol type "consumer") tell each other through the broker. It looks inside only to know who
// subscribes to a topic, or a group changes from one protocol to the other. What is here owns what it names.

namespace tidelog::proto {

inline constexpr std::int16_t kConsumerProtocolVersion = 3;  ///< The highest there is.

/// Partitions of a topic that goes by its name, in the sender's order.
struct NamedPartitions {
  std::string topic;
  std::vector<std::int32_t> partitions;
  bool operator==(const NamedPartitions&) const = default;
};

/// What a member tells its leader: the metadata of a protocol in JoinGroup.
struct ConsumerSubscription {
  std::int16_t version = kConsumerProtocolVersion;
  std::vector<std::string> topics;
  std::optional<OwnedBytes> user_data;  ///< The assignor's own.
  std::vector<NamedPartitions> owned;   ///< From version 1.
  std::int32_t generation = -1;         ///< From version 2: in which it came to own them; -1: not known.
  std::optional<std::string> rack_id;   ///< From version 3; never empty.
  bool operator==(const ConsumerSubscription&) const = default;
};

/// What the leader tells a member: its assignment in SyncGroup.
struct ConsumerAssignment {
  std::int16_t version = kConsumerProtocolVersion;
  std::vector<NamedPartitions> partitions;
  std::optional<OwnedBytes> user_data;
  bool operator==(const ConsumerAssignment&) const = default;
};

// Members' bytes are hostile: memory follows their size, and what does not fit is `Errc::corrupt`. A version above the highest is read as
// that one, and bytes behind the message are passed over: what a later version adds stands there.

Result<ConsumerSubscription> decode_subscription(Bytes blob);
/// No bytes at all are an assignment of nothing: so the broker answers a member that its leader forgot.
Result<ConsumerAssignment> decode_assignment(Bytes blob);

/// In the version it names, which is one there is; what that version lacks is left out.
OwnedBytes encode_subscription(const ConsumerSubscription& subscription);
OwnedBytes encode_assignment(const ConsumerAssignment& assignment);

}  // namespace tidelog::proto
