#pragma once

#include "broker/group/classic_calls.h"
#include "broker/group/partition_set.h"
#include "broker/group/ports.h"
#include "broker/group/records.h"
#include "proto/codec/consumer_protocol.h"

#include <optional>
#include <span>
#include <vector>

// What consumers of the classic protocol embed in their requests, in the terms of groups that the broker assigns: partitions by topic id.

namespace tidelog::broker {

inline constexpr std::string_view kConsumerProtocolType = "consumer";

/// Those of topics that there are. Whether there are so many partitions is nobody's question: this broker may hear of them late.
PartitionSet find_partitions(const std::vector<proto::NamedPartitions>& named, const TopicsView& topics);

/// What a member that speaks the classic protocol is told to have. It is in the version of the member's subscription: a client that says
/// the one can read the other. Topics that are gone are left out.
OwnedBytes embed_assignment(std::span<const HeldPartition> partitions, const OwnedBytes& subscription, const TopicsView& topics);

std::vector<ConsumerMemberRecord::ClassicProtocol> to_stored(std::span<const ClassicProtocol> protocols);
std::vector<ClassicProtocol> from_stored(std::span<const ConsumerMemberRecord::ClassicProtocol> protocols);

}  // namespace tidelog::broker
