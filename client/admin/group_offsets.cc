#include "client/admin/group_offsets.h"

#include "proto/error_code.h"
#include "proto/messages/offset_commit_request.h"
#include "proto/messages/offset_commit_response.h"
#include "proto/messages/offset_delete_request.h"
#include "proto/messages/offset_delete_response.h"
#include "proto/messages/offset_fetch_request.h"
#include "proto/messages/offset_fetch_response.h"

#include <algorithm>

namespace tidelog::core {
namespace {

/// Behind it topics have ids in these requests. Names are as good, and what was committed for a topic that is gone has nothing else.
constexpr std::int16_t kLastWithNames = 9;
constexpr std::int16_t kFirstWithGroups = 8;

std::string words_for(const topic_partition& where) { return "\"" + where.topic() + "\" partition " + std::to_string(where.partition()); }

/// What is answered for a partition, but is about the coordinator.
bool is_about_coordinator(std::int16_t code) {
  using enum ErrorCode;
  const auto known = static_cast<ErrorCode>(code);
  return known == coordinator_load_in_progress || known == coordinator_not_available || known == not_coordinator;
}

/// Partitions grouped by topic, as requests want them: `entry_of` makes the entry of one.
template <class Topic, class Entry, class From, class EntryOf>
class TopicsOf {
 public:
  TopicsOf(std::vector<From> all, EntryOf entry_of) {
    std::ranges::sort(all, {}, place_of);
    for (const From& each : all) names_.push_back(place_of(each).topic()), entries_.push_back(entry_of(each));
    for (std::size_t first = 0, last = 0; first < names_.size(); first = last) {
      while (last < names_.size() && names_[last] == names_[first]) ++last;
      Topic topic;
      topic.name = names_[first];
      if constexpr (requires { topic.partitions; })
        topic.partitions = std::span<const Entry>(entries_).subspan(first, last - first);
      else
        topic.partition_indexes = std::span<const Entry>(entries_).subspan(first, last - first);
      topics_.push_back(topic);
    }
  }
  [[nodiscard]] const std::vector<Topic>& topics() const { return topics_; }

 private:
  static const topic_partition& place_of(const From& each) {
    if constexpr (std::is_same_v<From, group_offset>)
      return each.where();
    else
      return each;
  }

  std::vector<std::string> names_;
  std::vector<Entry> entries_;
  std::vector<Topic> topics_;
};

template <class Topic, class Entry, class From, class EntryOf>
TopicsOf<Topic, Entry, From, EntryOf> topics_of(const std::vector<From>& all, EntryOf entry_of) {
  return {all, entry_of};
}

/// Puts what a coordinator said about partitions into the order they were asked in. Whatever it did not mention failed, too.
template <class Topics>
result<std::vector<group_partition_result>> in_order(const std::vector<topic_partition>& asked, const Topics& said,
                                                     const std::string& what) {
  std::map<topic_partition, std::int16_t> codes;
  for (const auto& topic : said) {
    for (const auto& partition : topic.partitions) {
      const std::int16_t code = partition.error_code;
      if (is_about_coordinator(code)) return error::from_kafka(code, what);
      codes[topic_partition(std::string(topic.name), partition.partition_index)] = code;
    }
  }
  std::vector<group_partition_result> results;
  for (const topic_partition& where : asked) {
    const auto code = codes.find(where);
    const std::string context = what + " of " + words_for(where);
    result<void> outcome;
    if (code == codes.end())
      outcome = error(errc::bad_answer, context + ": the broker's answer leaves it out").set_topic(where.topic(), where.partition());
    else if (code->second != 0)
      outcome = error::from_kafka(code->second, context).set_topic(where.topic(), where.partition());
    results.emplace_back(where, std::move(outcome));
  }
  return results;
}

template <class Partition>
void take_lag(const Partition& partition, group_offset& offset) {
  if (partition.lag_records < 0) return;
  std::optional<std::chrono::milliseconds> age;
  if (partition.lag_ms >= 0) age = std::chrono::milliseconds(partition.lag_ms);
  offset.set_lag({partition.end_offset, partition.lag_records, age});
}

/// Takes what either shape of an answer says. The first partition that has an error ends it.
template <class Topics>
result<std::vector<group_offset>> take_offsets(const Topics& topics, const std::string& what) {
  std::vector<group_offset> offsets;
  for (const auto& topic : topics) {
    for (const auto& partition : topic.partitions) {
      if (partition.error_code != 0) return error::from_kafka(partition.error_code, what);
      if (partition.committed_offset < 0) continue;
      group_offset& offset = offsets.emplace_back(std::string(topic.name), partition.partition_index, partition.committed_offset);
      offset.set_leader_epoch(partition.committed_leader_epoch).set_metadata(std::string(partition.metadata));
      if constexpr (requires { partition.lag_records; }) take_lag(partition, offset);
    }
  }
  std::ranges::sort(offsets, {}, &group_offset::where);
  return offsets;
}

result<std::vector<group_offset>> take_fetched(const Reply<proto::OffsetFetchResponse>& answer, const std::string& what) {
  if (answer.raw.version < kFirstWithGroups) {
    if (answer.message.error_code != 0) return error::from_kafka(answer.message.error_code, what);
    return take_offsets(answer.message.topics, what);
  }
  for (const auto& group : answer.message.groups) {
    if (group.error_code != 0) return error::from_kafka(group.error_code, what);
    return take_offsets(group.topics, what);
  }
  return error(errc::bad_answer, what + ": the broker's answer leaves it out");
}

}  // namespace

result<std::vector<group_offset>> fetch_offsets(ClientCore& core, const GroupMember& who, const std::vector<topic_partition>& partitions,
                                                TimePoint deadline) {
  using Message = proto::OffsetFetchRequest;
  const auto index_of = [](const topic_partition& each) { return each.partition(); };
  const auto named = topics_of<Message::OffsetFetchRequestTopic, std::int32_t>(partitions, index_of);
  const auto grouped = topics_of<Message::OffsetFetchRequestTopics, std::int32_t>(partitions, index_of);
  Message::OffsetFetchRequestGroup group{.group_id = who.group};
  if (who.generation >= 0) group.member_id = who.id, group.member_epoch = who.generation;
  group.topics = grouped.topics();
  Message message;
  message.group_id = who.group;
  message.topics = named.topics();
  if (partitions.empty()) group.topics = decltype(group.topics)::null(), message.topics = decltype(message.topics)::null();
  const std::vector<Message::OffsetFetchRequestGroup> groups{group};
  message.groups = groups;
  message.require_stable = true;
  message.include_lag = who.wants_lag;
  using Offsets = std::vector<group_offset>;
  const std::string what = "cannot read the offsets of group \"" + who.group + "\"";
  return at_coordinator<Offsets>(core, who.group, deadline, [&](std::int32_t node) -> result<Offsets> {
    const auto answer = core.call<proto::OffsetFetchResponse>(Target::node(node, who.lane), message, deadline, kLastWithNames);
    if (!answer) return answer.error();
    return take_fetched(*answer, what);
  });
}

result<std::vector<group_partition_result>> commit_offsets(ClientCore& core, const GroupMember& who,
                                                           const std::vector<group_offset>& offsets, TimePoint deadline) {
  using Message = proto::OffsetCommitRequest;
  using Entry = Message::OffsetCommitRequestPartition;
  const auto topics = topics_of<Message::OffsetCommitRequestTopic, Entry>(offsets, [&](const group_offset& each) {
    return Entry{.partition_index = each.partition(), .committed_offset = each.offset(), .committed_leader_epoch = each.leader_epoch()};
  });
  Message message;
  message.group_id = who.group;
  message.generation_id_or_member_epoch = who.generation;
  message.member_id = who.id;
  if (who.instance_id) message.group_instance_id = *who.instance_id;
  message.topics = topics.topics();
  std::vector<topic_partition> asked;
  for (const group_offset& each : offsets) asked.push_back(each.where());
  using Results = std::vector<group_partition_result>;
  const std::string what = "cannot commit the offset of group \"" + who.group + "\"";
  return at_coordinator<Results>(core, who.group, deadline, [&](std::int32_t node) -> result<Results> {
    const auto answer = core.call<proto::OffsetCommitResponse>(Target::node(node, who.lane), message, deadline, kLastWithNames);
    if (!answer) return answer.error();
    return in_order(asked, answer->message.topics, what);
  });
}

result<std::vector<group_partition_result>> delete_offsets(ClientCore& core, const std::string& group,
                                                           const std::vector<topic_partition>& partitions, TimePoint deadline) {
  using Message = proto::OffsetDeleteRequest;
  using Entry = Message::OffsetDeleteRequestPartition;
  const auto topics = topics_of<Message::OffsetDeleteRequestTopic, Entry>(
      partitions, [](const topic_partition& each) { return Entry{.partition_index = each.partition()}; });
  const Message message{.group_id = group, .topics = topics.topics()};
  using Results = std::vector<group_partition_result>;
  return at_coordinator<Results>(core, group, deadline, [&](std::int32_t node) -> result<Results> {
    const auto answer = core.call<proto::OffsetDeleteResponse>(Target::node(node), message, deadline);
    if (!answer) return answer.error();
    if (answer->message.error_code != 0)
      return error::from_kafka(answer->message.error_code, "cannot delete offsets of group \"" + group + "\"");
    return in_order(partitions, answer->message.topics, "cannot delete the offset of group \"" + group + "\"");
  });
}

}  // namespace tidelog::core
