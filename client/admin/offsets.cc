#include "client/admin/offsets.h"

#include <algorithm>
#include <map>
#include <optional>

#include "proto/error_code.h"
#include "proto/messages/list_offsets_request.h"
#include "proto/messages/list_offsets_response.h"

namespace tidelog::core {
namespace {

using Message = proto::ListOffsetsRequest;

constexpr std::int64_t kLatest = -1, kEarliest = -2;

/// A question for a broker; several may belong to one query.
struct Probe {
  std::string topic;
  std::int32_t partition;
  std::int64_t timestamp;
  std::optional<std::int64_t> offset;  ///< The answer; -1: no record is that young.
};

std::string describe(const Probe& probe) { return "cannot look up an offset of \"" + probe.topic + "\" partition " + std::to_string(probe.partition); }

result<void> take_answer(const proto::ListOffsetsResponse& answer, const std::vector<Probe*>& asked) {
  for (const auto& topic : answer.topics) {
    for (const auto& partition : topic.partitions) {
      const auto probe = std::find_if(asked.begin(), asked.end(), [&](const Probe* each) {
        return each->topic == topic.name && each->partition == partition.partition_index;
      });
      if (probe == asked.end()) continue;
      if (partition.error_code != 0) {
        error failed = error::from_kafka(partition.error_code, describe(**probe));
        return failed.set_topic((*probe)->topic, (*probe)->partition);
      }
      (*probe)->offset = partition.offset;
    }
  }
  return {};
}

result<void> ask_leader(ClientCore& core, std::int32_t leader, const std::vector<Probe*>& probes, TimePoint deadline) {
  std::vector<Message::ListOffsetsPartition> partitions;
  for (const Probe* probe : probes) partitions.push_back({.partition_index = probe->partition, .current_leader_epoch = -1, .timestamp = probe->timestamp});
  std::vector<Message::ListOffsetsTopic> topics;
  for (std::size_t first = 0, last = 0; first < probes.size(); first = last) {
    while (last < probes.size() && probes[last]->topic == probes[first]->topic) ++last;
    topics.push_back({.name = probes[first]->topic, .partitions = std::span<const Message::ListOffsetsPartition>(partitions).subspan(first, last - first)});
  }
  Message message;
  message.replica_id = -1;
  message.topics = topics;
  message.timeout_ms = static_cast<std::int32_t>(core.settings().request_timeout.count());
  const auto reply = core.call<proto::ListOffsetsResponse>(Target::node(leader), message, deadline);
  if (!reply) return reply.error();
  return take_answer(reply->message, probes);
}

/// One pass over what is not answered yet. Probes of one partition go in separate requests, since an answer names only the partition.
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
  error missing(errc::not_found, "topic \"" + query.topic + "\" has " + std::to_string(count) + " partitions, so there is no partition " +
                                     std::to_string(query.partition));
  return missing.set_topic(query.topic, query.partition);
}

}  // namespace

result<std::vector<std::int64_t>> look_up_offsets(ClientCore& core, const std::vector<OffsetQuery>& queries, TimePoint deadline) {
  using Kind = offset_spec::kind;
  std::vector<Probe> probes;
  std::vector<std::string> topics;
  for (const OffsetQuery& query : queries) {
    const auto ask = [&](std::int64_t timestamp) { probes.push_back({.topic = query.topic, .partition = query.partition, .timestamp = timestamp, .offset = {}}); };
    const Kind kind = query.where.what();
    if (kind == Kind::start || kind == Kind::before_end) ask(kEarliest);
    if (kind == Kind::end || kind == Kind::before_end || kind == Kind::time) ask(kLatest);
    if (kind == Kind::time) ask(std::max<std::int64_t>(query.where.value(), 0));
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
  auto probe = probes.begin();
  for (const OffsetQuery& query : queries) {
    switch (query.where.what()) {
      case Kind::at: offsets.push_back(query.where.value()); break;
      case Kind::start:
      case Kind::end: offsets.push_back(*(probe++)->offset); break;
      case Kind::before_end: {
        const std::int64_t start = *(probe++)->offset;
        offsets.push_back(std::max(start, *(probe++)->offset - query.where.value()));
        break;
      }
      case Kind::time: {
        const std::int64_t end = *(probe++)->offset;
        const std::int64_t found = *(probe++)->offset;
        offsets.push_back(found < 0 ? end : found);
        break;
      }
    }
  }
  return offsets;
}

}  // namespace tidelog::core
