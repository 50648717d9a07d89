#pragma once

#include "broker/group/consumer_members.h"
#include "broker/group/ports.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tidelog::broker {

/// How many partitions each topic had when the target was made: all that are wanted are some member's to have.
std::map<Uuid, std::int32_t> partitions_by_topic(const ConsumerMembers& members);

/// What came, went or grew, for people; only the first few topics by name.
std::string what_changed(const std::map<Uuid, std::int32_t>& before, const std::vector<TopicFacts>& now);

}  // namespace tidelog::broker
