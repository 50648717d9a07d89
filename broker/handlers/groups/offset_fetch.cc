#include "broker/handlers/groups/ask_for_much.h"
#include "broker/handlers/groups/lag_questions.h"
#include "broker/handlers/per_partition.h"
#include "proto/messages/offset_fetch_request.h"
#include "proto/messages/offset_fetch_response.h"

#include <algorithm>
#include <set>

namespace tidelog::broker {
namespace {

using proto::OffsetFetchRequest;
using proto::OffsetFetchResponse;

constexpr std::int16_t kFirstWithGroupError = 2;
constexpr std::int16_t kFirstWithManyGroups = 8;
constexpr std::int16_t kFirstWithTopicIds = 10;

/// What one group is asked, and what it said.
struct AskedGroup {
  OffsetFetchCall call;
  /// Topics that were named by an id nobody knows, and so are not in the call.
  struct Unknown {
    Uuid id;
    std::vector<std::int32_t> partitions;
  };
  std::vector<Unknown> unknown;
  OffsetFetchAnswer answer;
};

std::vector<std::int32_t> to_indexes(const proto::Array<std::int32_t>& from) {
  std::vector<std::int32_t> indexes;
  for (const std::int32_t index : from) indexes.push_back(index);
  return indexes;
}

/// A topic by its name. What was committed for an earlier one of that name is no place in this one.
OffsetFetchCall::Topic named(std::string_view name, const Image& image, std::vector<std::int32_t> partitions) {
  const TopicImage* const found = image.find_topic(name);
  return {.name = std::string(name), .partitions = std::move(partitions), .id = found == nullptr ? Uuid{} : found->id};
}

AskedGroup only_group(const OffsetFetchRequest& message, const Image& image) {
  AskedGroup asked;
  asked.call.group = message.group_id;
  asked.call.require_stable = message.require_stable;
  if (message.topics.is_null()) return asked;
  asked.call.topics.emplace();
  for (const auto& topic : message.topics) {
    asked.call.topics->push_back(named(topic.name, image, to_indexes(topic.partition_indexes)));
  }
  return asked;
}

void add_topic(AskedGroup& asked, const OffsetFetchRequest::OffsetFetchRequestTopics& topic, const Image& image, std::int16_t version) {
  std::vector<std::int32_t> partitions = to_indexes(topic.partition_indexes);
  if (version < kFirstWithTopicIds) {
    asked.call.topics->push_back(named(topic.name, image, std::move(partitions)));
  } else if (const TopicImage* const found = image.find_topic(topic.topic_id); found != nullptr) {
    asked.call.topics->push_back({.name = found->name, .partitions = std::move(partitions), .id = found->id});
  } else {
    asked.unknown.push_back({.id = topic.topic_id, .partitions = std::move(partitions)});
  }
}

/// All that one group has is told once, however often it is asked for: a name of one letter may be worth megabytes.
std::vector<AskedGroup> many_groups(const OffsetFetchRequest& message, const Image& image, std::int16_t version) {
  std::vector<AskedGroup> groups;
  std::set<std::string_view> whole;
  for (const auto& group : message.groups) {
    if (group.topics.is_null() && !whole.insert(group.group_id).second) continue;
    AskedGroup& asked = groups.emplace_back();
    asked.call.group = group.group_id;
    asked.call.member_id = owned(group.member_id);
    asked.call.member_epoch = group.member_epoch;
    asked.call.require_stable = message.require_stable;
    if (group.topics.is_null()) continue;
    asked.call.topics.emplace();
    for (const auto& topic : group.topics) add_topic(asked, topic, image, version);
  }
  return groups;
}

/// Of one partition, beside its note: where it lies in the machine's answer, in the response, and encoded.
constexpr std::size_t kPartitionBytes =
    sizeof(OffsetFetchAnswer::Partition) + sizeof(OffsetFetchResponse::OffsetFetchResponsePartitions) + 32;

/// What the answer about a group takes. A note is there twice: copied, and encoded.
std::size_t weigh(const GroupMachine& machine, const OffsetFetchCall& call) {
  const OffsetTable* const offsets = machine.offsets(call.group);
  if (!call.topics) return offsets == nullptr ? 0 : offsets->size() * kPartitionBytes + 2 * offsets->bytes();
  std::size_t bytes = 0;
  for (const auto& topic : *call.topics) {
    bytes += topic.partitions.size() * kPartitionBytes;
    if (offsets == nullptr) continue;
    for (const std::int32_t index : topic.partitions) {
      const StoredOffset* const offset = offsets->find({topic.name, PartitionIndex{index}});
      if (offset != nullptr) bytes += 2 * offset->metadata().size();
    }
  }
  return bytes;
}

/// Offsets of a topic that is gone are no places in a later one of its name.
void drop_earlier_topics(const Image& image, OffsetFetchAnswer& answer) {
  std::erase_if(answer.topics, [&image](const OffsetFetchAnswer::Topic& topic) {
    const TopicImage* const now = topic.id.is_zero() ? nullptr : image.find_topic(topic.name);
    return now != nullptr && now->id != topic.id;
  });
}

AnswerRoom room_for(const std::vector<AskedGroup>& groups) {
  const bool is_whole = std::ranges::none_of(groups, [](const AskedGroup& group) { return group.call.topics.has_value(); });
  return AnswerRoom(is_whole ? AnswerRoom::Bound::what_there_is : AnswerRoom::Bound::memory);
}

/// False: there is no memory for what they have.
asio::awaitable<bool> ask(HandlerContext context, std::vector<AskedGroup>& groups) {
  AnswerRoom room = room_for(groups);
  for (AskedGroup& asked : groups) {
    const auto weigh_it = [&asked](const GroupMachine& machine) { return weigh(machine, asked.call); };
    const auto fetch = [&asked](GroupMachine& machine, Step&) { return machine.fetch(asked.call); };
    auto outcome = co_await ask_for_much<OffsetFetchAnswer>(context, room, asked.call.group, LargeQuestion{weigh_it, fetch});
    if (!outcome) co_return false;
    asked.answer = std::move(outcome->second);
    drop_earlier_topics(context.image(), asked.answer);
    if (outcome->first != ErrorCode::none) asked.answer = {.error = outcome->first, .topics = {}};
  }
  co_return true;
}

std::size_t count_partitions(const AskedGroup& group) {
  std::size_t count = 0;
  for (const auto& topic : group.answer.topics) count += topic.partitions.size();
  for (const auto& topic : group.unknown) count += topic.partitions.size();
  return count;
}

/// Before version 2 a group's error stands with each partition that was asked for.
OffsetFetchAnswer spread_error(const AskedGroup& asked) {
  OffsetFetchAnswer answer;
  if (!asked.call.topics) return answer;
  for (const auto& topic : *asked.call.topics) {
    auto& told = answer.topics.emplace_back();
    told.name = topic.name;
    for (const std::int32_t index : topic.partitions) told.partitions.push_back({.index = index, .error = asked.answer.error});
  }
  return answer;
}

void respond_with_one(const Request& request, const AskedGroup& asked, SendQueue& to) {
  using Partition = OffsetFetchResponse::OffsetFetchResponsePartition;
  const bool has_place_for_error = request.header.api_version >= kFirstWithGroupError;
  const bool must_spread = asked.answer.error != ErrorCode::none && !has_place_for_error;
  const OffsetFetchAnswer spread = must_spread ? spread_error(asked) : OffsetFetchAnswer{};
  const OffsetFetchAnswer& answer = must_spread ? spread : asked.answer;
  std::size_t count = 0;
  for (const auto& topic : answer.topics) count += topic.partitions.size();
  std::vector<Partition> partitions;
  partitions.reserve(count);  // Spans into it are taken below.
  std::vector<OffsetFetchResponse::OffsetFetchResponseTopic> topics;
  for (const auto& topic : answer.topics) {
    const std::size_t begin = partitions.size();
    for (const auto& partition : topic.partitions) {
      partitions.push_back({.partition_index = partition.index,
                            .committed_offset = partition.offset.value,
                            .committed_leader_epoch = partition.leader_epoch.value,
                            .metadata = partition.metadata,
                            .error_code = code(partition.error)});
    }
    topics.push_back({.name = topic.name, .partitions = std::span<const Partition>(partitions).subspan(begin)});
  }
  OffsetFetchResponse response;
  response.error_code = code(answer.error);
  response.topics = topics;
  respond(request, response, to);
}

using GroupTopic = OffsetFetchResponse::OffsetFetchResponseTopics;
using GroupPartition = OffsetFetchResponse::OffsetFetchResponsePartitions;

/// What the views of an answer about many groups point to.
struct Room {
  std::vector<GroupPartition> partitions;
  std::vector<GroupTopic> topics;
};

void lay_out_known(const OffsetFetchAnswer::Topic& topic, const Image& image, std::int16_t version, Room& room) {
  GroupTopic told{.name = topic.name};
  if (version >= kFirstWithTopicIds) {
    const TopicImage* const found = image.find_topic(topic.name);
    // Deleted meanwhile: there is no id to tell it by.
    if (found == nullptr) return;
    told.topic_id = found->id;
  }
  const std::size_t begin = room.partitions.size();
  for (const auto& partition : topic.partitions) {
    room.partitions.push_back({.partition_index = partition.index,
                               .committed_offset = partition.offset.value,
                               .committed_leader_epoch = partition.leader_epoch.value,
                               .metadata = partition.metadata,
                               .error_code = code(partition.error)});
  }
  told.partitions = std::span<const GroupPartition>(room.partitions).subspan(begin);
  room.topics.push_back(told);
}

void lay_out_unknown(const AskedGroup::Unknown& topic, Room& room) {
  const std::size_t begin = room.partitions.size();
  for (const std::int32_t index : topic.partitions) {
    room.partitions.push_back({.partition_index = index,
                               .committed_offset = -1,
                               .committed_leader_epoch = -1,
                               .metadata = "",
                               .error_code = code(ErrorCode::unknown_topic_id)});
  }
  room.topics.push_back({.topic_id = topic.id, .partitions = std::span<const GroupPartition>(room.partitions).subspan(begin)});
}

/// What a client of ours asked for beside the offsets: how far the group is behind.
asio::awaitable<void> add_lag(HandlerContext context, Room& room) {
  LagQuestions asked;
  std::vector<std::optional<std::size_t>> places;  // By partition of the answer; nothing: there is no lag to tell.
  places.reserve(room.partitions.size());
  for (const GroupTopic& topic : room.topics) {
    for (const GroupPartition& partition : topic.partitions) {
      LagQuery query{.committed = Offset{partition.committed_offset}};
      const ErrorCode error = resolve(context.image(), topic.name, partition.partition_index, query.id);
      const bool is_known = error == ErrorCode::none && partition.committed_offset >= 0;
      places.push_back(is_known ? std::optional(asked.ask(query)) : std::nullopt);
    }
  }
  co_await measure_lag(context, asked.queries());
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) continue;
    const LagQuery& told = asked.queries()[*places[i]];
    room.partitions[i].end_offset = told.end_offset;
    room.partitions[i].lag_records = told.lag_records;
    room.partitions[i].lag_ms = told.lag_ms;
  }
}

/// The answer's parts, laid out, and which of them are whose.
struct Laid {
  Room room;
  std::vector<OffsetFetchResponse::OffsetFetchResponseGroup> groups;
};

void lay_out_many(const HandlerContext& context, std::int16_t version, const std::vector<AskedGroup>& asked, Laid& laid) {
  Room& room = laid.room;
  std::size_t partitions = 0;
  std::size_t topics = 0;
  for (const AskedGroup& group : asked) {
    partitions += count_partitions(group);
    topics += group.answer.topics.size() + group.unknown.size();
  }
  room.partitions.reserve(partitions);  // Spans into both are taken below.
  room.topics.reserve(topics);
  for (const AskedGroup& group : asked) {
    const std::size_t begin = room.topics.size();
    for (const auto& topic : group.answer.topics) lay_out_known(topic, context.image(), version, room);
    if (group.answer.error == ErrorCode::none) {
      for (const auto& topic : group.unknown) lay_out_unknown(topic, room);
    }
    laid.groups.push_back({.group_id = group.call.group,
                           .topics = std::span<const GroupTopic>(room.topics).subspan(begin),
                           .error_code = code(group.answer.error)});
  }
}

}  // namespace

/// OffsetFetch (key 9): of one group, or from version 8 on of many.
Handle handle_offset_fetch(HandlerContext context, Request request, SendQueue& to) {
  OffsetFetchRequest message;
  const std::int16_t version = request.header.api_version;
  if (!decode(request.body, version, message)) co_return refuse_unreadable(context, "OffsetFetch");
  if (version < kFirstWithManyGroups) {
    std::vector<AskedGroup> asked;
    asked.push_back(only_group(message, context.image()));
    if (!co_await ask(context, asked)) co_return Outcome::close;
    respond_with_one(request, asked.front(), to);
    co_return Outcome::keep;
  }
  std::vector<AskedGroup> groups = many_groups(message, context.image(), version);
  const bool wants_lag = message.include_lag;
  if (!co_await ask(context, groups)) co_return Outcome::close;
  Laid laid;
  lay_out_many(context, version, groups, laid);
  std::string client_id;
  if (wants_lag) {
    let_go_of(request, context.connection, client_id);  // It may take a while; nothing of the request is looked at behind this.
    co_await add_lag(context, laid.room);
  }
  OffsetFetchResponse response;
  response.groups = laid.groups;
  respond(request, response, to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
