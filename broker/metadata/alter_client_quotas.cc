#include "broker/metadata/machine.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace tidelog::broker {
namespace {

/// Bytes and connections are counted whole, up to what Kafka keeps them in; the others may be fractions.
bool is_whole(std::string_view key) { return key == kProducerByteRate || key == kConsumerByteRate || key == kConnectionCreationRate; }

constexpr double kMostBytes = 9.2e18;
constexpr double kMostConnections = 2147483647;

double most_of(std::string_view key) { return key == kConnectionCreationRate ? kMostConnections : kMostBytes; }

bool limits_clients(std::string_view key) {
  return key == kProducerByteRate || key == kConsumerByteRate || key == kRequestPercentage || key == kControllerMutationRate;
}

// Whom a quota names need not exist, so anybody could make the metadata grow with names. The longest are those of certificates, some
// hundred bytes.
constexpr std::size_t kMostEntities = 10'000;
constexpr std::size_t kLongestNameBytes = 1024;
constexpr std::size_t kMostNameBytes = 4 * 1024 * 1024;
/// What a refusal may repeat of what was asked.
constexpr std::size_t kLongestRefusalBytes = 500;

/// Judges one entry. Nothing of an entry is written unless all of it may be.
class QuotaPlanner {
 public:
  explicit QuotaPlanner(const ClientQuotas& quotas) : quotas_(quotas) {}

  QuotaVerdict plan(const QuotaAlteration& asked, bool validate_only, std::vector<MetadataRecord>& records);

 private:
  static QuotaVerdict refuse(std::string message) {
    if (message.size() > kLongestRefusalBytes) message.resize(kLongestRefusalBytes);
    return {.error = ErrorCode::invalid_request, .message = std::move(message)};
  }
  static std::string problem_of(const QuotaAlteration& asked, QuotaEntity& entity);
  static std::string problem_of_value(const QuotaEntity& entity, const std::string& key, double value);

  /// Why there cannot be a further entity that has quotas; empty: there can.
  [[nodiscard]] std::string lack_of_room(const QuotaEntity& entity) const;

  const ClientQuotas& quotas_;
  std::set<QuotaEntity> planned_;
  std::size_t made_ = 0;  ///< Entities that have quotas because of this request.
  std::size_t made_name_bytes_ = 0;
};

std::string QuotaPlanner::problem_of(const QuotaAlteration& asked, QuotaEntity& entity) {
  for (const auto& [kind, name] : asked.entity) {
    if (kind != kQuotaUser && kind != kQuotaClientId && kind != kQuotaIp) {
      return "\"" + kind + "\" has no quotas: an entity is made of user, client-id or ip";
    }
    if (name && name->empty()) return "the name of a " + kind + " is empty: leave it out (null) for the default";
    if (!entity.emplace(kind, name).second) return "the entity names a " + kind + " twice";
  }
  if (entity.empty()) return "whose quota? An entity names a user, a client-id, both, or an ip";
  if (entity.contains(kQuotaIp) && entity.size() > 1) return "an ip has quotas of its own: give it without user and client-id";
  return {};
}

std::string QuotaPlanner::problem_of_value(const QuotaEntity& entity, const std::string& key, double value) {
  const bool is_ip = entity.contains(kQuotaIp);
  if (is_ip ? key != kConnectionCreationRate : !limits_clients(key)) {
    return "\"" + key + "\" is no quota here: " +
           (is_ip ? "an ip has connection_creation_rate"
                  : "a user or client-id has producer_byte_rate, consumer_byte_rate, request_percentage and controller_mutation_rate");
  }
  if (!(value > 0)) return key + " must be greater than 0; remove it to lift the limit";
  if (!is_whole(key)) return std::isfinite(value) ? std::string() : key + " is a number";
  if (value == std::floor(value) && value <= most_of(key)) return {};
  return key + " is a whole number up to " + (key == kConnectionCreationRate ? "2147483647" : "9.2e18");
}

std::string QuotaPlanner::lack_of_room(const QuotaEntity& entity) const {
  for (const auto& [kind, name] : entity) {
    if (name && name->size() > kLongestNameBytes) {
      return "the name of a " + kind + " has " + std::to_string(name->size()) + " bytes: quotas are kept for names of up to " +
             std::to_string(kLongestNameBytes);
    }
  }
  if (quotas_.all().size() + made_ >= kMostEntities) {
    return std::to_string(kMostEntities) + " entities have quotas, which is the most: take back those that nobody needs";
  }
  if (quotas_.name_bytes() + made_name_bytes_ + name_bytes(entity) > kMostNameBytes) {
    return "the names of those that have quotas come to " + std::to_string(kMostNameBytes >> 20) +
           " MiB, which is the most: take back those that nobody needs";
  }
  return {};
}

QuotaVerdict QuotaPlanner::plan(const QuotaAlteration& asked, bool validate_only, std::vector<MetadataRecord>& records) {
  QuotaEntity entity;
  if (!asked.problem.empty()) return refuse(asked.problem);
  if (std::string problem = problem_of(asked, entity); !problem.empty()) return refuse(std::move(problem));
  if (!planned_.insert(entity).second) return refuse("the request changes this entity twice");
  const auto now = quotas_.all().find(entity);
  ClientQuotaRecord record{.entity = entity, .values = {}};
  std::set<std::string_view> seen;
  for (const auto& [key, value] : asked.values) {
    if (!seen.insert(key).second) return refuse("the request changes " + key + " twice");
    const auto there = now == quotas_.all().end() ? QuotaValues::const_iterator{} : now->second.find(key);
    const bool is_there = now != quotas_.all().end() && there != now->second.end();
    if (!value) {
      if (is_there) record.values.emplace(key, std::nullopt);
      continue;
    }
    if (std::string problem = problem_of_value(entity, key, *value); !problem.empty()) return refuse(std::move(problem));
    if (!is_there || there->second != *value) record.values.emplace(key, *value);
  }
  if (now == quotas_.all().end() && !record.values.empty()) {
    if (std::string lack = lack_of_room(entity); !lack.empty()) return {.error = ErrorCode::policy_violation, .message = std::move(lack)};
    ++made_;
    made_name_bytes_ += name_bytes(entity);
  }
  if (!validate_only && !record.values.empty()) records.emplace_back(std::move(record));
  return {};
}

}  // namespace

QuotasDecision MetadataMachine::alter_client_quotas(const AlterClientQuotasCommand& command) const {
  QuotasDecision decision;
  QuotaPlanner planner(image_->client_quotas());
  for (const QuotaAlteration& asked : command.entries) {
    decision.verdicts.push_back(planner.plan(asked, command.validate_only, decision.records));
  }
  return decision;
}

}  // namespace tidelog::broker
