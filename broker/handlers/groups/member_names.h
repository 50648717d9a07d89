#pragma once

#include "broker/handlers/handler.h"

#include <string>
#include <string_view>

namespace tidelog::broker {

/// A name that no other member of any group has: `prefix` (what the client calls itself), and random digits as Kafka writes ids.
std::string new_member_id(const HandlerContext& context, std::string_view prefix);

}  // namespace tidelog::broker
