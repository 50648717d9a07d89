#pragma once

#include "broker/coordinators/group_coordinators.h"
#include "broker/handlers/handler.h"
#include "broker/shard/run_on.h"
#include "proto/codec/records.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace tidelog::broker {

/// The partition of `__consumer_offsets` that keeps a group; nothing while there is no such topic, and so no group either.
std::optional<TopicPartition> home_of_group(const Image& image, std::string_view group);

/// Why a group's partition is not to be found: nobody looked for its coordinator yet, which is what makes the topic.
inline constexpr ErrorCode kNoHome = ErrorCode::coordinator_not_available;

/// A step, and the host of the client that asks for it; both live in who awaits the answer.
template <class Decide>
struct Decision {
  const Decide& decide;
  std::string_view by;
};

/// One step of a group's machine on its coordinator's loop; `error` says if it was made and is committed.
template <class Decide, class Answer>
asio::awaitable<void> decide_and_commit(GroupCoordinators& coordinators, TopicPartition id, const Decision<Decide>& decision,
                                        std::pair<ErrorCode, Answer>& outcome) {
  const std::shared_ptr<HostedGroups> groups = coordinators.find(id, outcome.first);
  if (groups == nullptr) co_return;
  outcome.second = groups->step(decision.decide, decision.by);
  outcome.first = co_await groups->committed();
}

/// Has a group's coordinator make one step, wherever it lives: `decide(GroupMachine&, Step&)`. Returns when what it decided is committed,
/// with its answer; an error: it was not asked, or nobody knows whether it is kept. `decide` lives in the caller, who awaits this.
template <class Answer, class Decide>
asio::awaitable<std::pair<ErrorCode, Answer>> ask_coordinator(HandlerContext context, std::string_view group, const Decide& decide) {
  std::pair<ErrorCode, Answer> outcome{kNoHome, Answer{}};
  const std::optional<TopicPartition> home = home_of_group(context.image(), group);
  if (!home) co_return outcome;
  Loop& there = context.node.owner_of(*home).shard.loop();
  const Endpoint peer = context.connection.peer();
  const Decision<Decide> decision{decide, peer.host};
  co_await await_on(there, context.loop(), decide_and_commit(context.node.groups_of(*home), *home, decision, outcome));
  co_return outcome;
}

/// What came of a call whose answer may have to wait for other members.
template <class Answer>
struct LateOutcome {
  ErrorCode error = ErrorCode::none;
  std::optional<Answer> answer;  ///< Nothing and no error: it is still to come, by mail.
};

template <class Call, class Decide, class Answer>
asio::awaitable<void> decide_or_wait(GroupCoordinators& coordinators, TopicPartition id, std::pair<Call&, std::shared_ptr<LateMail>> asked,
                                     std::pair<const Decision<Decide>&, LateOutcome<Answer>&> made) {
  auto& [decision, outcome] = made;
  const std::shared_ptr<HostedGroups> groups = coordinators.find(id, outcome.error);
  if (groups == nullptr) co_return;
  Call& call = asked.first;
  call.ticket = groups->expect(std::move(asked.second));
  outcome.answer = groups->step([&](GroupMachine& machine, Step& step) { return decision.decide(machine, call, step); }, decision.by);
  if (!outcome.answer) co_return;
  groups->forget(call.ticket);
  outcome.error = co_await groups->committed();
}

/// The same for JoinGroup and SyncGroup: `decide(GroupMachine&, Call&, Step&)` returns an answer or nothing, if it has to wait for others.
/// Waits for it, as long as the connection is there; an empty outcome means that it is not.
template <class Answer, class Call, class Decide>
asio::awaitable<LateOutcome<Answer>> ask_and_wait(HandlerContext context, Call& call, const Decide& decide) {
  LateOutcome<Answer> outcome{.error = kNoHome};
  const std::optional<TopicPartition> home = home_of_group(context.image(), call.group);
  if (!home) co_return outcome;
  outcome.error = ErrorCode::none;
  const auto mail = std::make_shared<LateMail>(context.loop());
  const std::pair<Call&, std::shared_ptr<LateMail>> asked(call, mail);
  const Endpoint peer = context.connection.peer();
  const Decision<Decide> decision{decide, peer.host};
  const std::pair<const Decision<Decide>&, LateOutcome<Answer>&> made(decision, outcome);
  Loop& there = context.node.owner_of(*home).shard.loop();
  co_await await_on(there, context.loop(), decide_or_wait<Call, Decide, Answer>(context.node.groups_of(*home), *home, asked, made));
  if (outcome.error != ErrorCode::none || outcome.answer) co_return outcome;
  ClientState& client = context.connection.client();
  client.waits_on = &mail->arrived;
  while (!mail->answer && !client.is_leaving) co_await mail->arrived.wait();
  client.waits_on = nullptr;
  if (mail->answer) outcome.answer = std::get<Answer>(std::move(*mail->answer));
  co_return outcome;
}

/// "/127.0.0.1", as Kafka's tools expect a member's host.
std::string client_host(const HandlerContext& context);

inline std::optional<std::string> owned(std::string_view nullable) {
  return proto::is_null(nullable) ? std::nullopt : std::optional<std::string>(nullable);
}
inline OwnedBytes owned(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
/// A view into `text`, null for nothing.
inline std::string_view view(const std::optional<std::string>& text) { return text ? std::string_view(*text) : std::string_view(); }

/// Bytes that are there and none.
inline constexpr std::byte kNothing{};
inline constexpr Bytes kNoBytes{&kNothing, 0};
/// What is not null on the wire, however little it is.
inline Bytes view(const OwnedBytes& bytes) { return bytes.empty() ? kNoBytes : Bytes{bytes}; }

inline std::int16_t code(ErrorCode error) { return static_cast<std::int16_t>(error); }

/// Closes: what came is no such request.
Outcome refuse_unreadable(const HandlerContext& context, std::string_view api);

}  // namespace tidelog::broker
