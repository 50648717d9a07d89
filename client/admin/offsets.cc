#include "client/admin/offsets.h"

#include "proto/error_code.h"
#include "proto/messages/list_offsets_request.h"
#include "proto/messages/list_offsets_response.h"

#include <algorithm>
#include <map>
#include <optional>

namespace tidelog::core {
namespace {

using Message = proto::ListOffsetsRequest;

constexpr std::int64_t kLatest = -1, kEarliest = -2;

/// A question for a broker; queries share it, since an answer names only the partition, and a request may name that once.
struct Probe {
  std::string topic;
  std::int32_t partition;
  std::int64_t timestamp;
  std::optional<std::int64_t> offset;  ///< The answer; -1: no record is that young.
};

/// Negative times have a meaning of their own in the protocol.
std::int64_t time_of(offset_spec where) { return std::max<std::int64_t>(where.value(), 0); }

std::vector<std::int64_t> timestamps_for(offset_spec where) {
  switch (where.what()) {
    case offset_spec::kind::at: return {};
    case offset_spec::kind::start: return {kEarliest};
    case offset_spec::kind::end: return {kLatest};
    case offset_spec::kind::before_end: return {kEarliest, kLatest};
    case offset_spec::kind::time: return {kLatest, time_of(where)};
  }
  return {};
}

std::string describe(const Probe& probe) {
  return "cannot look up an offset of \"" + probe.topic + "\" partition " + std::to_string(probe.partition);
}

Probe* find_asked(const std::vector<Probe*>& asked, std::string_view topic, std::int32_t partition) {
  const auto found =
      std::find_if(asked.begin(), asked.end(), [&](const Probe* each) { return each->topic == topic && each->partition == partition; });
  return found == asked.end() ? nullptr : *found;
}

result<void> take_offset(Probe& probe, const proto::ListOffsetsResponse::ListOffsetsPartitionResponse& told) {
  if (told.error_code != 0) {
    error failed = error::from_kafka(told.error_code, describe(probe));
    return failed.set_topic(probe.topic, probe.partition);
  }
  if (told.offset < -1) return error(errc::bad_answer, describe(probe) + ": the broker's answer is no offset");
  probe.offset = told.offset;
  return {};
}

result<void> take_answer(const proto::ListOffsetsResponse& answer, const std::vector<Probe*>& asked) {
  for (const auto& topic : answer.topics) {
    for (const auto& partition : topic.partitions) {
      Probe* probe = find_asked(asked, topic.name, partition.partition_index);
      if (probe == nullptr) continue;
      if (result<void> ok = take_offset(*probe, partition); !ok) return ok;
    }
  }
  return {};
}

result<void> ask_leader(ClientCore& core, std::int32_t leader, const std::vector<Probe*>& probes, TimePoint deadline) {
  std::vector<Message::ListOffsetsPartition> partitions;
  for (const Probe* probe : probes)
    partitions.push_back({.partition_index = probe->partition, .current_leader_epoch = -1, .timestamp = probe->timestamp});
  std::vector<Message::ListOffsetsTopic> topics;
  for (std::size_t first = 0, last = 0; first < probes.size(); first = last) {
    while (last < probes.size() && probes[last]->topic == probes[first]->topic) ++last;
    topics.push_back({.name = probes[first]->topic,
                      .partitions = std::span<const Message::ListOffsetsPartition>(partitions).subspan(first, last - first)});
  }
  Message message;
  message.replica_id = -1;
  message.topics = topics;
  message.timeout_ms = static_cast<std::int32_t>(core.settings().request_timeout.count());
  const auto reply = core.call<proto::ListOffsetsResponse>(Target::node(leader), message, deadline);
  if (!reply) return reply.error();
  return take_answer(reply->message, probes);
}

/// One pass over what is not answered yet: a request for each leader and time.
result<void> ask_all(ClientCore& core, std::vector<Probe>& probes, TimePoint deadline) {
  std::map<std::pair<std::int32_t, std::int64_t>, std::vector<Probe*>> by_leader;
  const std::shared_ptr<const Metadata> metadata = core.cluster().metadata();
  for (Probe& probe : probes) {
    if (probe.offset) continue;
    const std::int32_t leader = metadata->leader_of(probe.topic, probe.partition);
    if (leader < 0) {
      error none = error::from_kafka(static_cast<int>(ErrorCode::leader_not_available), describe(probe));
      return none.set_topic(probe.topic, probe.partition);
    }
    by_leader[{leader, probe.timestamp}].push_back(&probe);
  }
  for (auto& [key, group] : by_leader) {
    if (result<void> ok = ask_leader(core, key.first, group, deadline); !ok) return ok;
  }
  for (const Probe& probe : probes) {
    if (!probe.offset) return error(errc::bad_answer, describe(probe) + ": the broker's answer leaves it out");
  }
  return {};
}

result<void> check_partition(ClientCore& core, const OffsetQuery& query, TimePoint deadline) {
  const auto topic = core.find_topic(query.topic, core.settings().creates_topics, deadline);
  if (!topic) return topic.error();
  const std::size_t count = (*topic)->partitions.size();
  if (query.partition >= 0 && static_cast<std::size_t>(query.partition) < count) return {};
  error missing(errc::not_found, "topic \"" + query.topic + "\" has " + std::to_string(count) +
                                     (count == 1 ? " partition" : " partitions") + ", so there is no partition " +
                                     std::to_string(query.partition));
  return missing.set_hint("tidelog topic describe " + query.topic + " shows what there is").set_topic(query.topic, query.partition);
}

/// The question that a query shares with others for the same place; made if nobody has asked it yet.
Probe& probe_for(std::vector<Probe>& probes, const OffsetQuery& query, std::int64_t timestamp) {
  const auto same = std::find_if(probes.begin(), probes.end(), [&](const Probe& each) {
    return each.partition == query.partition && each.timestamp == timestamp && each.topic == query.topic;
  });
  if (same != probes.end()) return *same;
  return probes.emplace_back(Probe{.topic = query.topic, .partition = query.partition, .timestamp = timestamp, .offset = {}});
}

/// What the query stands for, now that every question of `timestamps_for` has its answer.
std::int64_t offset_for(const OffsetQuery& query, std::vector<Probe>& probes) {
  using Kind = offset_spec::kind;
  const auto found = [&](std::int64_t timestamp) { return *probe_for(probes, query, timestamp).offset; };
  switch (query.where.what()) {
    case Kind::at: break;
    case Kind::start: return found(kEarliest);
    case Kind::end: return found(kLatest);
    case Kind::before_end: return std::max(found(kEarliest), found(kLatest) - query.where.value());
    case Kind::time: {
      const std::int64_t offset = found(time_of(query.where));
      return offset < 0 ? found(kLatest) : offset;
    }
  }
  return query.where.value();
}

}  // namespace

result<std::vector<std::int64_t>> look_up_offsets(ClientCore& core, const std::vector<OffsetQuery>& queries, TimePoint deadline) {
  std::vector<Probe> probes;
  std::vector<std::string> topics;
  for (const OffsetQuery& query : queries) {
    for (const std::int64_t timestamp : timestamps_for(query.where)) probe_for(probes, query, timestamp);
    if (topics.empty() || topics.back() != query.topic) topics.push_back(query.topic);
  }
  for (const OffsetQuery& query : queries) {
    if (result<void> ok = check_partition(core, query, deadline); !ok) return ok.error();
  }
  bool is_first = true;
  const result<void> done = core.retry<void>(deadline, [&]() -> result<void> {
    if (!std::exchange(is_first, false)) {
      if (const auto fresh = core.fetch_metadata(topics, false, deadline); !fresh) return fresh.error();
    }
    return ask_all(core, probes, deadline);
  });
  if (!done) return done.error();
  std::vector<std::int64_t> offsets;
  for (const OffsetQuery& query : queries) offsets.push_back(offset_for(query, probes));
  return offsets;
}

}  // namespace tidelog::core
