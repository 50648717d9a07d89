#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace tidelog::broker {

// What kinds a quota's entity is made of, and what can be limited, in Kafka's spelling.
inline constexpr std::string_view kQuotaUser = "user", kQuotaClientId = "client-id", kQuotaIp = "ip";
inline constexpr std::string_view kProducerByteRate = "producer_byte_rate", kConsumerByteRate = "consumer_byte_rate",
                                  kRequestPercentage = "request_percentage", kControllerMutationRate = "controller_mutation_rate",
                                  kConnectionCreationRate = "connection_creation_rate";

/// Of whom a quota speaks: names by kind. A kind without a name stands for all of that kind that have no quota of their own.
using QuotaEntity = std::map<std::string, std::optional<std::string>, std::less<>>;
using QuotaValues = std::map<std::string, double, std::less<>>;

/// What an entity's names come to.
[[nodiscard]] std::size_t name_bytes(const QuotaEntity& entity);

/// A limit that holds for somebody, and who shares it with them: whoever has the same `counted_for`.
struct QuotaMatch {
  double limit = 0;
  std::string counted_for;
};

/// The quotas of clients, by entity. A value: copied by whoever changes it.
/// Invariant: no entity is without a value.
class ClientQuotas {
 public:
  [[nodiscard]] const std::map<QuotaEntity, QuotaValues>& all() const { return entities_; }
  [[nodiscard]] bool empty() const { return entities_.empty(); }
  /// What the names of all entities come to.
  [[nodiscard]] std::size_t name_bytes() const { return name_bytes_; }
  /// Whether anybody has a limit `key`.
  [[nodiscard]] bool limits(std::string_view key) const { return uses_.contains(key); }
  /// The same for `request_percentage`, which is asked for with every request.
  [[nodiscard]] bool counts_request_time() const { return counts_request_time_; }
  /// Sets values, or takes back those without one.
  void change(const QuotaEntity& entity, const std::map<std::string, std::optional<double>>& values);

  /// The limit `key` of a client, by the closest entity that has one. From near to far: user and client id (each by its name, then by its
  /// default, the user's first), user alone, client id alone, as Kafka orders them.
  [[nodiscard]] std::optional<QuotaMatch> find(std::string_view user, std::string_view client_id, std::string_view key) const;
  /// The connections a second that one address may open: by its own quota, else by that of all.
  [[nodiscard]] std::optional<double> connection_rate(std::string_view ip) const;

  bool operator==(const ClientQuotas&) const = default;

 private:
  [[nodiscard]] const double* value_of(const QuotaEntity& entity, std::string_view key) const;

  void use(std::string_view key, std::ptrdiff_t more);

  std::map<QuotaEntity, QuotaValues> entities_;
  std::size_t name_bytes_ = 0;
  std::map<std::string, std::size_t, std::less<>> uses_;  ///< By how many entities each key is set; none by 0.
  bool counts_request_time_ = false;
};

}  // namespace tidelog::broker
