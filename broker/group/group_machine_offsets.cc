#include "broker/group/admission.h"
#include "broker/group/group_machine.h"

#include <algorithm>
#include <limits>

namespace tidelog::broker {
namespace {

/// The first version whose clients know of member epochs.
constexpr std::int16_t kFirstWithEpochs = 9;
constexpr std::string_view kConsumers = "consumer";

/// As Kafka counts it: in units of UTF-16.
std::size_t metadata_size(std::string_view text) {
  std::size_t size = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool goes_on = (byte & 0xc0U) == 0x80U;
    const bool takes_two = byte >= 0xf0U;
    size += (goes_on ? 0U : 1U) + (takes_two ? 1U : 0U);
  }
  return size;
}

std::size_t count_partitions(const auto& topics) {
  std::size_t count = 0;
  for (const auto& topic : topics) count += topic.partitions.size();
  return count;
}

TimestampMs add(TimestampMs to, std::int64_t ms) {
  std::int64_t sum = 0;
  return TimestampMs{__builtin_add_overflow(to.value, ms, &sum) ? std::numeric_limits<std::int64_t>::max() : sum};
}

OffsetRecord::Value to_value(const CommitCall& call, const CommitCall::Topic& topic, const CommitCall::Partition& partition,
                             TimestampMs now) {
  OffsetRecord::Value value{.offset = Offset{partition.offset},
                            .leader_epoch = LeaderEpoch{partition.leader_epoch},
                            .metadata = partition.metadata.value_or(std::string()),
                            .committed_at = now,
                            .topic_id = topic.id};
  if (call.retention_ms == -1) return value;
  // Only version 1 of the value has a time to expire at, and it has neither of the two.
  value.expires_at = add(now, call.retention_ms);
  value.leader_epoch = LeaderEpoch{-1};
  value.topic_id = Uuid{};
  return value;
}

ErrorCode check_metadata(const CommitCall::Partition& partition, const GroupSettings& settings) {
  if (!partition.metadata || metadata_size(*partition.metadata) <= settings.offset_metadata_max_bytes) return ErrorCode::none;
  return ErrorCode::offset_metadata_too_large;
}

/// Why an offset may not be stored; none: it may.
ErrorCode find_fault(const GroupEntry* entry, const CommitCall::Partition& partition, const OffsetRecord& record, const Step& step) {
  if (const ErrorCode error = check_metadata(partition, step.settings); error != ErrorCode::none) return error;
  const bool is_admitted = has_room(entry, {record.topic, record.partition}, *record.value, step);
  return is_admitted ? ErrorCode::none : ErrorCode::invalid_commit_offset_size;
}

/// Of the partitions that may be stored; the others get their code.
std::vector<GroupRecord> records_of(const GroupEntry* entry, const CommitCall& call, const Step& step, std::vector<ErrorCode>& codes) {
  std::vector<GroupRecord> records;
  records.reserve(codes.size());
  auto code = codes.begin();
  for (const CommitCall::Topic& topic : call.topics) {
    for (const CommitCall::Partition& partition : topic.partitions) {
      OffsetRecord record{.group = call.group,
                          .topic = topic.name,
                          .partition = PartitionIndex{partition.index},
                          .value = to_value(call, topic, partition, step.wall_clock)};
      *code = find_fault(entry, partition, record, step);
      if (*code++ == ErrorCode::none) records.emplace_back(std::move(record));
    }
  }
  return records;
}

OffsetFetchAnswer::Partition to_answer(PartitionIndex partition, const StoredOffset* stored) {
  OffsetFetchAnswer::Partition told;
  told.index = partition.value;
  if (stored == nullptr) return told;
  told.offset = stored->offset();
  told.leader_epoch = stored->leader_epoch();
  told.metadata = stored->metadata();
  return told;
}

/// Whether what was committed for one topic counts for another of the same name. An id that is not known might be any.
bool is_same_topic(const Uuid& committed, const Uuid& asked) { return committed.is_zero() || asked.is_zero() || committed == asked; }

/// Of a topic that was deleted before one of the same name came; a crash may have kept it from being forgotten then.
bool is_of_an_earlier_topic(const StoredOffset& offset, const TopicsView& topics) {
  const std::optional<TopicFacts> now = topics.find(offset.topic());
  return now && !is_same_topic(offset.topic_id(), now->id);
}

const StoredOffset* find_offset(const GroupEntry* entry, const OffsetFetchCall::Topic& topic, PartitionIndex partition) {
  const StoredOffset* const stored = entry == nullptr ? nullptr : entry->offsets.find({topic.name, partition});
  return stored != nullptr && is_same_topic(stored->topic_id(), topic.id) ? stored : nullptr;
}

void add_all_offsets(const OffsetTable& offsets, OffsetFetchAnswer& answer) {
  for (const StoredOffset& offset : offsets) {
    if (answer.topics.empty() || answer.topics.back().name != offset.topic() || answer.topics.back().id != offset.topic_id()) {
      answer.topics.push_back({.name = offset.topic(), .partitions = {}, .id = offset.topic_id()});
    }
    answer.topics.back().partitions.push_back(to_answer(offset.partition(), &offset));
  }
}

ErrorCode may_delete_offsets(const GroupEntry* entry) {
  if (entry == nullptr) return ErrorCode::group_id_not_found;
  // What a topic is to others than consumers is not known here.
  const bool is_in_use = entry->classic && !entry->is_empty() && entry->classic->protocol_type() != kConsumers;
  return is_in_use ? ErrorCode::non_empty_group : ErrorCode::none;
}

/// With an epoch that has passed, a member may commit for what it had then and has still; one partition that it has not refuses all.
ErrorCode may_commit_late(const ConsumerGroup& group, const CommitCall& call) {
  for (const CommitCall::Topic& topic : call.topics) {
    for (const CommitCall::Partition& partition : topic.partitions) {
      const TopicPartition at{.topic_id = topic.id, .partition = PartitionIndex{partition.index}};
      const ErrorCode error = group.may_commit(call.member_id, call.generation_or_epoch, at);
      if (error != ErrorCode::none) return error;
    }
  }
  return ErrorCode::none;
}

ErrorCode may_commit_as_member(ConsumerGroup& group, const CommitCall& call, Step& step) {
  const ConsumerMembers::Member* const member = group.members().find(call.member_id);
  if (member == nullptr && group.is_replaced(call.member_id, call.instance_id)) return ErrorCode::fenced_instance_id;
  ErrorCode error = group.may_commit(call.member_id, call.generation_or_epoch, step);
  if (error == ErrorCode::stale_member_epoch) error = may_commit_late(group, call);
  // The client of a member that does not speak the classic protocol cannot be told of epochs.
  const bool speaks_too_old = call.version < kFirstWithEpochs && member != nullptr && !speaks_classic(*member);
  return speaks_too_old ? ErrorCode::unsupported_version : error;
}

std::vector<PartitionIndex> partitions_of(const OffsetTable& offsets, std::string_view topic, const Uuid& id) {
  std::vector<PartitionIndex> partitions;
  for (auto at = offsets.from({topic, PartitionIndex{std::numeric_limits<std::int32_t>::min()}}); at != offsets.end(); ++at) {
    if (at->topic() != topic) break;
    if (is_same_topic(at->topic_id(), id)) partitions.push_back(at->partition());
  }
  return partitions;
}

}  // namespace

ErrorCode GroupMachine::may_commit(const CommitCall& call, Step& step) {
  const bool is_nobodys = call.generation_or_epoch < 0;
  GroupEntry* const entry = find(call.group);
  if (entry == nullptr) {
    if (is_nobodys) return ErrorCode::none;
    return call.version >= kFirstWithEpochs ? ErrorCode::group_id_not_found : ErrorCode::illegal_generation;
  }
  if (entry->is_simple()) return is_nobodys ? ErrorCode::none : ErrorCode::unknown_member_id;
  if (entry->classic) {
    const ClassicGroup::Committer committer{
        .member_id = call.member_id, .instance_id = &call.instance_id, .generation = call.generation_or_epoch};
    return act(*entry, step, [&](Step& inner) { return entry->classic->may_commit(committer, inner); });
  }
  if (is_nobodys && entry->is_empty()) return ErrorCode::none;
  return act(*entry, step, [&](Step& inner) { return may_commit_as_member(*entry->consumer, call, inner); });
}

CommitAnswer GroupMachine::commit(const CommitCall& call, Step& step) {
  CommitAnswer answer;
  answer.partitions.assign(count_partitions(call.topics), may_commit(call, step));
  if (answer.partitions.empty() || answer.partitions.front() != ErrorCode::none) return answer;
  const std::vector<GroupRecord> records = records_of(find(call.group), call, step, answer.partitions);
  if (const Result<void, ErrorCode> stored = store(records, step); !stored) {
    std::ranges::fill(answer.partitions, stored.error());
  } else if (!records.empty()) {
    check_invariants(*find(call.group));
  }
  return answer;
}

OffsetFetchAnswer GroupMachine::fetch(const OffsetFetchCall& call) const {
  OffsetFetchAnswer answer;
  const GroupEntry* const entry = find(call.group);
  const bool is_members = call.member_id || call.member_epoch >= 0;
  if (entry != nullptr && entry->consumer && is_members) {
    // A name that is there and is empty is nobody's.
    const bool is_nobody = call.member_id && call.member_id->empty();
    answer.error =
        is_nobody ? ErrorCode::unknown_member_id : entry->consumer->may_fetch(call.member_id.value_or(std::string()), call.member_epoch);
    if (answer.error != ErrorCode::none) return answer;
  }
  if (!call.topics) {
    if (entry != nullptr) add_all_offsets(entry->offsets, answer);
    return answer;
  }
  for (const OffsetFetchCall::Topic& topic : *call.topics) {
    OffsetFetchAnswer::Topic& told = answer.topics.emplace_back();
    told.name = topic.name;
    told.partitions.reserve(topic.partitions.size());
    for (const std::int32_t index : topic.partitions) {
      told.partitions.push_back(to_answer(PartitionIndex{index}, find_offset(entry, topic, PartitionIndex{index})));
    }
  }
  return answer;
}

OffsetDeleteAnswer GroupMachine::delete_offsets(const OffsetDeleteCall& call, Step& step) {
  OffsetDeleteAnswer answer;
  const GroupEntry* const entry = find(call.group);
  answer.error = call.group.empty() ? ErrorCode::invalid_group_id : may_delete_offsets(entry);
  if (answer.error != ErrorCode::none) return answer;
  std::vector<GroupRecord> records;
  for (const OffsetDeleteCall::Topic& topic : call.topics) {
    const bool is_read = entry->subscribes_to(topic.name);
    const std::optional<TopicFacts> facts = step.topics.find(topic.name);
    for (const std::int32_t index : topic.partitions) {
      const bool is_partition = facts && index >= 0 && index < facts->partitions;
      const bool is_there = entry->offsets.find({topic.name, PartitionIndex{index}}) != nullptr;
      // What is left of one that is gone may be forgotten.
      const ErrorCode if_known = is_read ? ErrorCode::group_subscribed_to_topic : ErrorCode::none;
      answer.partitions.push_back(is_partition || is_there ? if_known : ErrorCode::unknown_topic_or_partition);
      if (is_read || !is_there) continue;
      records.emplace_back(
          OffsetRecord{.group = call.group, .topic = topic.name, .partition = PartitionIndex{index}, .value = std::nullopt});
    }
  }
  if (const Result<void, ErrorCode> stored = store(records, step); !stored) answer = {.error = stored.error(), .partitions = {}};
  return answer;
}

ErrorCode GroupMachine::delete_group(std::string_view group, Step& step) {
  const std::string name(group);
  for (bool is_last = false; !is_last;) {
    const GroupEntry* const entry = find(name);
    if (entry == nullptr) return ErrorCode::group_id_not_found;
    if (!entry->is_empty()) return ErrorCode::non_empty_group;
    TombstoneBatch batch;
    auto at = entry->offsets.begin();
    for (; at != entry->offsets.end() && !batch.is_full(); ++at) batch.add_offset(name, {at->topic(), at->partition()});
    is_last = at == entry->offsets.end();
    if (is_last) batch.add_group(*entry);
    if (const Result<void, ErrorCode> stored = store(batch.records(), step); !stored) return stored.error();
  }
  return ErrorCode::none;
}

void GroupMachine::forget_topic(std::string_view topic, const Uuid& id, Step& step) {
  TombstoneBatch batch;
  for (auto next = groups_.begin(); next != groups_.end();) {
    // What is stored below may end this group and those before it, none behind it.
    const std::string group = next->first;
    const std::vector<PartitionIndex> partitions = partitions_of((next++)->second.offsets, topic, id);
    for (const PartitionIndex partition : partitions) {
      batch.add_offset(group, {topic, partition});
      if (!batch.is_full()) continue;
      if (!store(batch.records(), step)) return;
      batch.clear();
    }
  }
  // Refused: they stay until they expire.
  (void)store(batch.records(), step);
}

void GroupMachine::expire_offsets(Step& step) {
  if (!sweep_) sweep_.emplace();
  sweep(step);
}

void GroupMachine::sweep(Step& step) {
  constexpr std::size_t kMostLookedAt = 20'000;
  TombstoneBatch batch;
  std::size_t left = kMostLookedAt;
  auto at = groups_.lower_bound(sweep_->group);
  while (at != groups_.end() && left > 0 && !batch.is_full()) {
    if (at->first != sweep_->group) sweep_ = ExpirySweep{.group = at->first, .topic = {}};
    if (sweep_group(at->second, batch, left, step)) ++at;
  }
  const bool is_done = at == groups_.end();
  if (!is_done && at->first != sweep_->group) sweep_ = ExpirySweep{.group = at->first, .topic = {}};
  sweep_->goes_on_at = step.now;
  const Result<void, ErrorCode> stored = store(batch.records(), step);
  if (is_done || !stored) sweep_.reset();  // What was refused is found again by the next one.
}

bool GroupMachine::sweep_group(const GroupEntry& entry, TombstoneBatch& batch, std::size_t& left, const Step& step) {
  const RetentionRule rule = retention_rule(entry);
  std::size_t expired = 0;
  const std::string* topic = nullptr;
  bool is_read = false;
  left -= std::min<std::size_t>(left, 1);
  for (auto at = entry.offsets.from({sweep_->topic, sweep_->partition}); rule.may_expire && at != entry.offsets.end(); ++at) {
    if (left == 0 || batch.is_full()) {
      sweep_->topic = at->topic();
      sweep_->partition = at->partition();
      return false;
    }
    --left;
    if (topic == nullptr || *topic != at->topic()) is_read = entry.subscribes_to(at->topic());
    topic = &at->topic();
    const bool is_expired = rule.is_expired(*at, step.wall_clock, step.settings.offsets_retention);
    if (is_read || !(is_expired || is_of_an_earlier_topic(*at, step.topics))) continue;
    batch.add_offset(entry.name, {at->topic(), at->partition()});
    ++expired;
  }
  if (expired == entry.offsets.size() && entry.may_vanish()) batch.add_group(entry);
  return true;
}

}  // namespace tidelog::broker
