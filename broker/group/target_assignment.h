#pragma once

#include "broker/group/consumer_members.h"
#include "broker/group/ports.h"
#include "broker/group/records.h"

#include <string>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// The target that the group's subscriptions and the topics make now, as the records of those members whose target is another than before.
/// `assignor` is one of `knows_assignor`.
std::vector<GroupRecord> new_targets(const std::string& group, const ConsumerMembers& members, const TopicsView& topics,
                                     std::string_view assignor);

bool knows_assignor(std::string_view name);

}  // namespace tidelog::broker
