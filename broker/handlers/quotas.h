#pragma once

#include "broker/net/connection.h"
#include "broker/partition/services.h"

#include <string_view>

namespace tidelog::broker {

/// Whether anybody has one: nearly always nobody does, and then a request need not be asked whose it is.
inline bool has_quotas(const ShardServices& here) { return !here.image->client_quotas().empty(); }

/// The limit `key` that holds for a request's client, and who shares it. Whoever did not say who they are is the user ANONYMOUS, as in
/// Kafka.
std::optional<QuotaMatch> find_quota(const Image& image, const proto::RequestHeader& header, std::string_view key);

/// The quota of one request's client, as far as one key goes: made for the request, used on its shard.
class ClientQuota {
 public:
  using Time = QuotaMeter::Time;
  using Shards = std::span<const std::unique_ptr<ShardServices>>;

  /// `key`: what is counted, as `kProducerByteRate`.
  ClientQuota(Shards shards, ShardServices& here, const proto::RequestHeader& header, std::string_view key);

  [[nodiscard]] bool is_limited() const { return match_.has_value(); }
  /// The most that may pass at once.
  [[nodiscard]] double burst() const { return here_.quotas.shape().burst(match_->limit); }

  /// Counts what passed; returns how long the client shall wait because of it.
  Time charge(double amount);
  /// Counts `amount` and returns zero, or counts nothing and returns how long the client shall wait before it may pass.
  Time charge_or_wait(double amount);

 private:
  struct Counted {
    double limit;
    NameDigest who;
  };
  void record(double amount);
  [[nodiscard]] Time now() const { return here_.shard.loop().now(); }

  Shards shards_;  ///< All, which are told what passed here.
  ShardServices& here_;
  std::optional<Counted> match_;  ///< None: unlimited.
};

/// So much of a client's name goes into the log: it names itself, at any length, and the log is not for its words.
inline constexpr std::size_t kNameInLog = 100;

/// How long a client has to wait, and for which of its quotas.
struct QuotaWait {
  std::string_view key;
  ClientQuota::Time time;
};

/// Lets a connection rest because its client is over a quota (KIP-219): the answer under way says so by the number returned, in
/// milliseconds, and nothing more is read of it meanwhile.
std::int32_t throttle(Connection& connection, ShardServices& here, const proto::RequestHeader& header, const QuotaWait& wait);

}  // namespace tidelog::broker
