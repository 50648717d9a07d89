#pragma once

#include "bench/load/requests.h"
#include "bench/load/socket.h"

namespace tidelog::bench {

/// Dies with the names of the API versions this program speaks and the broker does not serve.
void require_apis(Socket& socket);
/// Creates the topic (one that exists is fine) and returns when every partition has a leader.
void create_topic(Socket& socket, const TopicShape& topic);
void delete_topic(Socket& socket, std::string_view topic);
/// Returns when the topic's `partitions` all have a leader; dies after 60 s.
void await_leaders(Socket& socket, std::string_view topic, std::int32_t partitions);

}  // namespace tidelog::bench
