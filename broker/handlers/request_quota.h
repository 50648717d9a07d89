#pragma once

#include "broker/handlers/quotas.h"

namespace tidelog::broker {

/// Whether requests of this connection have to be timed, or were.
inline bool may_pay_for_time(const ShardServices& here, const Connection& connection) {
  return here.image->client_quotas().counts_request_time() || connection.client().work.has_value();
}

/// A request's share of its client's request_percentage (KIP-124): what the loops spent on its connection since the answer before it. 100
/// is all of one loop's time, so with three shards nobody can use more than 300.
/// Life: as long as the request. Thread: the shard of the connection.
class RequestQuota {
 public:
  using Time = ClientQuota::Time;

  /// From now on the connection's work is timed, if its client has such a quota, and else not.
  RequestQuota(ClientQuota::Shards shards, ShardServices& here, Connection& connection, const proto::RequestHeader& header);

  [[nodiscard]] bool is_limited() const { return quota_.is_limited(); }
  /// Counts what was spent so far. How long the answer tells the client to wait, in milliseconds; the connection rests meanwhile. Kafka's
  /// limit holds, one sample at most: whoever comes back too early waits again behind the next request.
  std::int32_t settle();
  /// The request's bytes go away before its answer is there: keeps what it tells of the client.
  void outlive_request() {
    client_id_ = header_.client_id.substr(0, kNameInLog);
    header_.client_id = client_id_;
  }
  /// What was spent elsewhere, for this request: the next one on the connection may come from another client.
  void add(Time time) { elsewhere_ += time; }

 private:
  ShardServices& here_;
  Connection& connection_;
  proto::RequestHeader header_;
  std::string client_id_;  ///< Empty unless it outlives the request.
  ClientQuota quota_;
  Time elsewhere_{};
};

}  // namespace tidelog::broker
