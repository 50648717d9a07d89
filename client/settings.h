#pragma once

#include "client/group/assignor.h"
#include "proto/record/compression.h"
#include <tidelog/config.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tidelog::core {

using Milliseconds = std::chrono::milliseconds;

/// Where a broker listens.
struct Address {
  std::string host;
  std::uint16_t port = 0;
  bool operator==(const Address&) const = default;
  [[nodiscard]] std::string text() const {
    return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  }
};

/// `host:port`, `[v6]:port`; the port may be left out (9092).
result<Address> parse_address(std::string_view text);

enum class OffsetReset : std::uint8_t { none, earliest, latest };

/// Who shares out the partitions of a group: its members, or the coordinator.
enum class GroupProtocol : std::uint8_t { classic, consumer };

/// A `config` read and checked. The initialisers are the defaults.
struct Settings {
  std::vector<Address> bootstrap;
  std::string client_id = "tidelog";
  std::string client_rack;
  // Connections.
  Milliseconds request_timeout{30'000};
  Milliseconds api_timeout{60'000};
  Milliseconds connect_timeout{10'000};
  Milliseconds retry_backoff{100};
  Milliseconds retry_backoff_max{1'000};
  Milliseconds reconnect_backoff{50};
  Milliseconds reconnect_backoff_max{1'000};
  Milliseconds metadata_max_age{300'000};
  std::int64_t receive_max_bytes = 104'857'600;
  // Producing.
  std::int16_t acks = -1;
  bool is_idempotent = true;
  Milliseconds linger{5};
  std::int64_t batch_bytes = 16'384;
  std::int64_t request_max_bytes = 1'048'576;
  std::int64_t buffer_bytes = 33'554'432;
  proto::Codec codec = proto::Codec::none;
  int codec_level = proto::kDefaultLevel;
  std::int32_t max_in_flight = 5;
  Milliseconds delivery_timeout{120'000};
  Milliseconds max_block{60'000};
  // Consuming.
  std::int32_t fetch_min_bytes = 1;
  Milliseconds fetch_max_wait{500};
  std::int32_t fetch_max_bytes = 52'428'800;
  std::int32_t fetch_partition_bytes = 1'048'576;
  std::int64_t fetch_queue_bytes = 67'108'864;
  std::optional<OffsetReset> offset_reset;
  bool checks_crcs = true;
  bool creates_topics = true;
  // Groups.
  std::string group_id;
  std::string group_instance_id;  ///< Empty: a new member with each start.
  GroupProtocol group_protocol = GroupProtocol::classic;
  std::string group_remote_assignor;  ///< Empty: the coordinator decides.
  std::vector<Assignor> assignors{Assignor::range};
  Milliseconds session_timeout{45'000};
  Milliseconds heartbeat_interval{3'000};
  Milliseconds max_poll_interval{300'000};
  bool commits_by_itself = true;
  Milliseconds commit_interval{5'000};
};

result<Settings> read_settings(const config& from);

}  // namespace tidelog::core
