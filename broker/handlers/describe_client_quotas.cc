#include "broker/handlers/admission.h"
#include "broker/net/ip_name.h"
#include "proto/messages/describe_client_quotas_request.h"
#include "proto/messages/describe_client_quotas_response.h"

#include <deque>
#include <map>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::DescribeClientQuotasRequest;
using proto::DescribeClientQuotasResponse;
using EntryAnswer = DescribeClientQuotasResponse::EntryData;
using EntityAnswer = DescribeClientQuotasResponse::EntityData;
using ValueAnswer = DescribeClientQuotasResponse::ValueData;

// How a component matches a kind.
constexpr std::int8_t kExact = 0;    ///< This name.
constexpr std::int8_t kDefault = 1;  ///< The default of the kind.
constexpr std::int8_t kAny = 2;      ///< Whatever it names of the kind.

/// What an entity comes to beside its names, laid out and written.
constexpr std::size_t kEntityBytes = 1024;

struct Refusal {
  ErrorCode error = ErrorCode::invalid_request;
  std::string message;
};

/// Which entities are asked for: each component has to match; strict: by nothing beside them.
class Filter {
 public:
  /// Why the components cannot be; nothing: they can.
  std::optional<Refusal> read(const DescribeClientQuotasRequest& message);
  [[nodiscard]] bool matches(const QuotaEntity& entity) const;

 private:
  struct Component {
    std::int8_t match_type;
    std::string name;
  };
  std::map<std::string_view, Component> components_;
  bool is_strict_ = false;
};

std::optional<Refusal> Filter::read(const DescribeClientQuotasRequest& message) {
  is_strict_ = message.strict;
  for (const auto& component : message.components) {
    const std::string_view kind = component.entity_type;
    if (kind.empty()) return Refusal{.message = "a component names no kind of entity"};
    if (kind != kQuotaUser && kind != kQuotaClientId && kind != kQuotaIp) {
      return Refusal{.error = ErrorCode::unsupported_version,
                     .message = "\"" + std::string(kind) + "\" has no quotas: ask for user, client-id or ip"};
    }
    if (component.match_type < kExact || component.match_type > kAny) {
      return Refusal{.message = "match type " + std::to_string(component.match_type) + " is unknown: 0 exact, 1 default, 2 any"};
    }
    if (proto::is_null(component.match) == (component.match_type == kExact)) {
      return Refusal{.message = "an exact match needs a name, and no other match has one"};
    }
    Component asked{.match_type = component.match_type, .name = std::string(component.match)};
    if (kind == kQuotaIp) asked.name = canonical_ip(asked.name).value_or(asked.name);
    if (!components_.try_emplace(kind, std::move(asked)).second) {
      return Refusal{.message = "two components are for " + std::string(kind)};
    }
  }
  if (components_.contains(kQuotaIp) && components_.size() > 1) return Refusal{.message = "no entity has both an ip and something else"};
  return std::nullopt;
}

bool Filter::matches(const QuotaEntity& entity) const {
  for (const auto& [kind, component] : components_) {
    const auto part = entity.find(kind);
    if (part == entity.end()) return false;
    const std::optional<std::string>& name = part->second;
    if (component.match_type == kDefault && name) return false;
    if (component.match_type == kExact && name != component.name) return false;
  }
  return !is_strict_ || entity.size() == components_.size();
}

/// The entries of an answer, and what their views point to.
struct Entries {
  std::deque<std::vector<EntityAnswer>> entities;
  std::deque<std::vector<ValueAnswer>> values;
  std::vector<EntryAnswer> entries;

  void add(const QuotaEntity& entity, const QuotaValues& limits) {
    std::vector<EntityAnswer>& parts = entities.emplace_back();
    for (const auto& [kind, name] : entity) {
      parts.push_back({.entity_type = kind, .entity_name = name ? std::string_view(*name) : std::string_view()});
    }
    std::vector<ValueAnswer>& numbers = values.emplace_back();
    for (const auto& [key, value] : limits) numbers.push_back({.key = key, .value = value});
    EntryAnswer& entry = entries.emplace_back();
    entry.entity = std::span<const EntityAnswer>(parts);
    entry.values = std::span<const ValueAnswer>(numbers);
  }
};

}  // namespace

/// DescribeClientQuotas (key 48; KIP-546).
Handle handle_describe_client_quotas(HandlerContext context, Request request, SendQueue& to) {
  DescribeClientQuotasRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("a DescribeClientQuotas request could not be read");
    co_return Outcome::close;
  }
  DescribeClientQuotasResponse response;
  const std::shared_ptr<const Image> image = context.here.image;
  const ClientQuotas& quotas = image->client_quotas();
  if (!co_await take_for_answer(context, quotas.all().size() * kEntityBytes + quotas.name_bytes())) co_return Outcome::close;
  Filter filter;
  Entries found;
  const std::optional<Refusal> refusal = filter.read(message);
  if (refusal) {
    response.error_code = static_cast<std::int16_t>(refusal->error);
    response.error_message = refusal->message;
    response.entries = proto::Array<EntryAnswer>::null();
  } else {
    for (const auto& [entity, limits] : quotas.all()) {
      if (filter.matches(entity)) found.add(entity, limits);
    }
    response.entries = std::span<const EntryAnswer>(found.entries);
  }
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
