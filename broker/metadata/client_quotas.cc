#include "broker/metadata/client_quotas.h"

namespace tidelog::broker {
namespace {

/// How an entity names somebody: not at all, by name, or as one of the rest.
enum class Named : std::uint8_t { no, by_name, by_default };

struct Level {
  Named user;
  Named client_id;
};

/// Near to far. One limit of a pair, or of a user, is shared by all connections with the same names, whichever level it comes from.
constexpr std::array<Level, 8> kLevels{{{Named::by_name, Named::by_name},
                                        {Named::by_name, Named::by_default},
                                        {Named::by_name, Named::no},
                                        {Named::by_default, Named::by_name},
                                        {Named::by_default, Named::by_default},
                                        {Named::by_default, Named::no},
                                        {Named::no, Named::by_name},
                                        {Named::no, Named::by_default}}};

void add(QuotaEntity& entity, std::string_view kind, Named named, std::string_view name) {
  if (named == Named::no) return;
  entity.emplace(kind, named == Named::by_name ? std::optional<std::string>(name) : std::nullopt);
}

/// The lengths keep two pairs of names from looking like one.
void add(std::string& counted_for, std::string_view kind, Named named, std::string_view name) {
  if (named == Named::no) return;
  counted_for.append(kind).append(1, ' ').append(std::to_string(name.size())).append(1, ' ').append(name).append(1, '\n');
}

}  // namespace

std::size_t name_bytes(const QuotaEntity& entity) {
  std::size_t bytes = 0;
  for (const auto& [kind, name] : entity) bytes += name ? name->size() : 0;
  return bytes;
}

void ClientQuotas::change(const QuotaEntity& entity, const std::map<std::string, std::optional<double>>& values) {
  const auto [place, is_new] = entities_.try_emplace(entity);
  QuotaValues& now = place->second;
  if (is_new) name_bytes_ += broker::name_bytes(entity);
  for (const auto& [key, value] : values) {
    if (value) {
      use(key, now.insert_or_assign(key, *value).second ? 1 : 0);
    } else {
      use(key, -static_cast<std::ptrdiff_t>(now.erase(key)));
    }
  }
  if (now.empty()) {
    name_bytes_ -= broker::name_bytes(entity);
    entities_.erase(place);
  }
  counts_request_time_ = limits(kRequestPercentage);
}

void ClientQuotas::use(std::string_view key, std::ptrdiff_t more) {
  if (more == 0) return;
  std::size_t& users = uses_[std::string(key)];
  users += static_cast<std::size_t>(more);
  if (users == 0) uses_.erase(uses_.find(key));
}

const double* ClientQuotas::value_of(const QuotaEntity& entity, std::string_view key) const {
  const auto found = entities_.find(entity);
  if (found == entities_.end()) return nullptr;
  const auto value = found->second.find(key);
  return value == found->second.end() ? nullptr : &value->second;
}

std::optional<QuotaMatch> ClientQuotas::find(std::string_view user, std::string_view client_id, std::string_view key) const {
  if (!limits(key)) return std::nullopt;
  for (const Level& level : kLevels) {
    QuotaEntity entity;
    add(entity, kQuotaUser, level.user, user);
    add(entity, kQuotaClientId, level.client_id, client_id);
    const double* limit = value_of(entity, key);
    if (limit == nullptr) continue;
    QuotaMatch match{.limit = *limit, .counted_for = {}};
    add(match.counted_for, kQuotaUser, level.user, user);
    add(match.counted_for, kQuotaClientId, level.client_id, client_id);
    return match;
  }
  return std::nullopt;
}

std::optional<double> ClientQuotas::connection_rate(std::string_view ip) const {
  if (!limits(kConnectionCreationRate)) return std::nullopt;
  for (const Named named : {Named::by_name, Named::by_default}) {
    QuotaEntity entity;
    add(entity, kQuotaIp, named, ip);
    if (const double* limit = value_of(entity, kConnectionCreationRate)) return *limit;
  }
  return std::nullopt;
}

}  // namespace tidelog::broker
