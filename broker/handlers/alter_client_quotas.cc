#include "broker/handlers/change_metadata.h"
#include "broker/net/ip_name.h"
#include "proto/messages/alter_client_quotas_request.h"
#include "proto/messages/alter_client_quotas_response.h"

#include <algorithm>
#include <deque>
#include <vector>

namespace tidelog::broker {
namespace {

using proto::AlterClientQuotasRequest;
using proto::AlterClientQuotasResponse;
using EntryAnswer = AlterClientQuotasResponse::EntryData;
using EntityAnswer = AlterClientQuotasResponse::EntityData;

QuotaAlteration to_alteration(const AlterClientQuotasRequest::EntryData& entry) {
  QuotaAlteration asked;
  const bool sets = !std::ranges::all_of(entry.ops, &AlterClientQuotasRequest::OpData::remove);
  for (const auto& part : entry.entity) {
    std::optional<std::string> name;
    if (!proto::is_null(part.entity_name)) name.emplace(part.entity_name);
    if (name && part.entity_type == kQuotaIp) {
      // Connections come under one spelling of their address. What is none may have been kept before that was looked at, and can go.
      const std::optional<std::string> ip = canonical_ip(*name);
      if (!ip && sets) asked.problem = "\"" + *name + "\" is no address: give an ip as 10.0.0.7 or fd00::7 (names are not looked up)";
      name = ip.value_or(*name);
    }
    asked.entity.emplace_back(part.entity_type, std::move(name));
  }
  for (const auto& op : entry.ops) asked.values.emplace_back(op.key, op.remove ? std::nullopt : std::optional(op.value));
  return asked;
}

void note_lack_of_room(HandlerContext context, const std::vector<QuotaVerdict>& verdicts) {
  const auto refused = std::ranges::find(verdicts, ErrorCode::policy_violation, &QuotaVerdict::error);
  if (refused == verdicts.end()) return;
  const Endpoint peer = context.connection.peer();
  context.here.shard.limits().hit(Limit::quotas_kept, context.loop().now(), "refused a quota from {}:{}: {}", peer.host, peer.port,
                                  refused->message);
}

void respond_with(const Request& request, const AlterClientQuotasRequest& message, const std::vector<QuotaVerdict>& verdicts,
                  SendQueue& to) {
  std::deque<std::vector<EntityAnswer>> entities;
  std::vector<EntryAnswer> entries;
  auto verdict = verdicts.begin();
  for (const auto& entry : message.entries) {
    std::vector<EntityAnswer>& parts = entities.emplace_back();
    for (const auto& part : entry.entity) parts.push_back({.entity_type = part.entity_type, .entity_name = part.entity_name});
    EntryAnswer& answer = entries.emplace_back();
    answer.error_code = static_cast<std::int16_t>(verdict->error);
    answer.error_message = verdict->message.empty() ? std::string_view() : std::string_view(verdict->message);
    answer.entity = std::span<const EntityAnswer>(parts);
    ++verdict;
  }
  AlterClientQuotasResponse response;
  response.entries = std::span<const EntryAnswer>(entries);
  respond(request, response, to);
}

}  // namespace

/// AlterClientQuotas (key 49; KIP-546). The quotas hold on every shard when the answer leaves.
Handle handle_alter_client_quotas(HandlerContext context, Request request, SendQueue& to) {
  AlterClientQuotasRequest message;
  if (!decode(request.body, request.header.api_version, message)) {
    context.connection.note_close_reason("an AlterClientQuotas request could not be read");
    co_return Outcome::close;
  }
  AlterClientQuotasCommand command{.entries = {}, .validate_only = message.validate_only};
  for (const auto& entry : message.entries) command.entries.push_back(to_alteration(entry));
  const auto decide = [&](const MetadataMachine& machine) { return machine.alter_client_quotas(command); };
  const QuotasDecision decision = co_await change_metadata(context, decide);
  note_lack_of_room(context, decision.verdicts);
  respond_with(request, message, decision.verdicts, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
