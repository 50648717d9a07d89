#include "client/admin/coordinator.h"

#include "proto/messages/find_coordinator_request.h"
#include "proto/messages/find_coordinator_response.h"

namespace tidelog::core {
namespace {

using Message = proto::FindCoordinatorRequest;
using Found = std::map<std::string, std::int32_t>;

/// From here on a request names many.
constexpr std::int16_t kFirstBatched = 4;

std::string context_of(std::string_view group) { return "cannot find the coordinator of group \"" + std::string(group) + "\""; }

/// A broker that is new to us is asked about, so that it can be reached by its number.
result<void> know_brokers(ClientCore& core, const Found& found, TimePoint deadline) {
  const std::shared_ptr<const Metadata> known = core.cluster().metadata();
  for (const auto& [group, node] : found) {
    if (known->brokers.contains(node)) continue;
    const auto fresh = core.fetch_metadata(std::vector<std::string>{}, false, deadline);
    return fresh ? result<void>() : result<void>(fresh.error());
  }
  return {};
}

result<void> take_batch(const proto::FindCoordinatorResponse& answer, const std::vector<std::string>& groups, Found& found) {
  for (const auto& each : answer.coordinators) {
    if (each.error_code != 0) return error::from_kafka(each.error_code, context_of(each.key), each.error_message);
    found[std::string(each.key)] = each.node_id;
  }
  for (const std::string& group : groups) {
    if (!found.contains(group)) return error(errc::bad_answer, context_of(group) + ": the broker's answer leaves it out");
  }
  return {};
}

/// What an old broker is asked, one group at a time.
result<std::int32_t> ask_for_one(ClientCore& core, const std::string& group, TimePoint deadline) {
  Message message;
  message.key = group;
  const auto answer = core.call<proto::FindCoordinatorResponse>(Target::any(), message, deadline, kFirstBatched - 1);
  if (!answer) return answer.error();
  if (answer->message.error_code != 0)
    return error::from_kafka(answer->message.error_code, context_of(group), answer->message.error_message);
  return answer->message.node_id;
}

result<Found> ask(ClientCore& core, const std::vector<std::string>& groups, TimePoint deadline) {
  const std::vector<std::string_view> keys(groups.begin(), groups.end());
  Message message;
  message.key = keys.front();  // For a broker that takes but one.
  message.coordinator_keys = keys;
  const auto answer = core.call<proto::FindCoordinatorResponse>(Target::any(), message, deadline);
  if (!answer) return answer.error();
  Found found;
  if (answer->raw.version >= kFirstBatched) {
    const result<void> taken = take_batch(answer->message, groups, found);
    return taken ? result<Found>(std::move(found)) : result<Found>(taken.error());
  }
  for (const std::string& group : groups) {
    const result<std::int32_t> node = ask_for_one(core, group, deadline);
    if (!node) return node.error();
    found[group] = *node;
  }
  return found;
}

}  // namespace

result<Found> find_coordinators(ClientCore& core, const std::vector<std::string>& groups, TimePoint deadline) {
  if (groups.empty()) return Found{};
  result<Found> found = ask(core, groups, deadline);
  if (!found) return found;
  const result<void> known = know_brokers(core, *found, deadline);
  return known ? std::move(found) : result<Found>(known.error());
}

}  // namespace tidelog::core
