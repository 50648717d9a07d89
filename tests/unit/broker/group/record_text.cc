#include "tests/unit/broker/group/record_text.h"

#include "proto/codec/consumer_protocol.h"
#include "tests/unit/broker/group/compaction.h"

#include <string_view>

namespace tidelog::broker {
namespace {

using State = ConsumerCurrentMemberRecord::State;

std::string_view text_of(State state) {
  switch (state) {
    case State::stable: return "stable";
    case State::unrevoked_partitions: return "unrevoked-partitions";
    case State::unreleased_partitions: return "unreleased-partitions";
    case State::unknown: return "unknown";
  }
  return "?";
}

std::string text_of(const std::vector<proto::NamedPartitions>& partitions) {
  std::string text;
  for (const proto::NamedPartitions& topic : partitions) {
    text += (text.empty() ? "" : "/") + topic.topic;
    for (std::size_t at = 0; at < topic.partitions.size(); ++at) text += (at == 0 ? ":" : ",") + std::to_string(topic.partitions[at]);
  }
  return text.empty() ? "nothing" : text;
}

std::string text_of_subscription(const OwnedBytes& bytes) {
  const Result<proto::ConsumerSubscription> said = proto::decode_subscription(bytes);
  if (!said) return "unreadable";
  return joined(said->topics) + (said->owned.empty() ? "" : "+" + text_of(said->owned));
}

std::string text_of_assignment(const OwnedBytes& bytes) {
  const Result<proto::ConsumerAssignment> said = proto::decode_assignment(bytes);
  return said ? text_of(said->partitions) : "unreadable";
}

std::string text_of_value(const ClassicGroupRecord& record) {
  const ClassicGroupRecord::Value& value = *record.value;
  std::string text = "classic generation=" + std::to_string(value.generation) + " type=" + value.protocol_type +
                     " protocol=" + value.protocol.value_or("none") + " leader=" + value.leader.value_or("none");
  for (const ClassicGroupRecord::Member& member : value.members) {
    text += " " + member.id + (member.instance_id ? "/" + *member.instance_id : "") + "(" + text_of_subscription(member.subscription) +
            " -> " + text_of_assignment(member.assignment) + ")";
  }
  return text;
}

std::string text_of_value(const ConsumerMemberRecord& record) {
  const ConsumerMemberRecord::Value& value = *record.value;
  std::string text = "member " + record.member + " topics=" + joined(value.subscribed_names);
  if (value.subscribed_regex) text += " regex=" + *value.subscribed_regex;
  if (value.instance_id) text += " static=" + *value.instance_id;
  if (value.rack_id) text += " rack=" + *value.rack_id;
  if (value.server_assignor) text += " assignor=" + *value.server_assignor;
  text += " timeout=" + std::to_string(value.rebalance_timeout_ms) + " host=" + value.client_host;
  if (!value.classic) return text;
  text += " classic session=" + std::to_string(value.classic->session_timeout_ms);
  for (const auto& [name, metadata] : value.classic->protocols) text += " " + name + "(" + text_of_subscription(metadata) + ")";
  return text;
}

std::string text_of_tombstone(const GroupRecord& record) {
  if (const auto* member = std::get_if<ConsumerMemberRecord>(&record)) return "no member " + member->member;
  if (const auto* target = std::get_if<ConsumerTargetMemberRecord>(&record)) return "no target " + target->member;
  if (const auto* current = std::get_if<ConsumerCurrentMemberRecord>(&record)) return "no current " + current->member;
  if (const auto* regex = std::get_if<ConsumerRegexRecord>(&record)) return "no regex " + regex->regex;
  if (const auto* offset = std::get_if<OffsetRecord>(&record)) return "no offset " + offset->topic;
  if (std::holds_alternative<ClassicGroupRecord>(record)) return "no classic group";
  return std::holds_alternative<ConsumerGroupRecord>(record) ? "no group" : "no target epoch";
}

}  // namespace

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

std::string text_of(const PartitionsById& partitions, const PartitionEpochs& epochs, const NameOfTopic& name_of) {
  std::string text;
  for (std::size_t topic = 0; topic < partitions.size(); ++topic) {
    text += (text.empty() ? "" : "/") + name_of(partitions[topic].first);
    for (std::size_t at = 0; at < partitions[topic].second.size(); ++at) {
      text += (at == 0 ? ":" : ",") + std::to_string(partitions[topic].second[at]);
      if (topic < epochs.size()) text += "@" + std::to_string(epochs[topic].at(at));
    }
  }
  return text.empty() ? "nothing" : text;
}

std::string text_of(const GroupRecord& record, const NameOfTopic& name_of) {
  if (is_tombstone(record)) return text_of_tombstone(record);
  if (const auto* classic = std::get_if<ClassicGroupRecord>(&record)) return text_of_value(*classic);
  if (const auto* group = std::get_if<ConsumerGroupRecord>(&record)) {
    return "group epoch=" + std::to_string(group->value->epoch) + (group->value->metadata_hash == 0 ? " no topics" : "");
  }
  if (const auto* offset = std::get_if<OffsetRecord>(&record)) {
    return "offset " + offset->topic + ":" + std::to_string(offset->partition.value) + "=" + std::to_string(offset->value->offset.value);
  }
  if (const auto* member = std::get_if<ConsumerMemberRecord>(&record)) return text_of_value(*member);
  if (const auto* target = std::get_if<ConsumerTargetMemberRecord>(&record)) {
    return "target " + target->member + " " + text_of(*target->value, {}, name_of);
  }
  if (const auto* epoch = std::get_if<ConsumerTargetEpochRecord>(&record)) {
    return "target epoch=" + std::to_string(epoch->value->assignment_epoch) + (epoch->value->made_at.value == 0 ? " at no time" : "");
  }
  if (const auto* regex = std::get_if<ConsumerRegexRecord>(&record)) return "regex " + regex->regex + " = " + joined(regex->value->topics);
  const auto& current = std::get<ConsumerCurrentMemberRecord>(record);
  std::string text = "current " + current.member + " epoch=" + std::to_string(current.value->member_epoch) +
                     " previous=" + std::to_string(current.value->previous_member_epoch) + " " +
                     std::string(text_of(current.value->state)) + " " +
                     text_of(current.value->assigned, current.value->assigned_epochs, name_of);
  if (!current.value->pending_revocation.empty()) {
    text += " pending " + text_of(current.value->pending_revocation, current.value->pending_epochs, name_of);
  }
  return text;
}

}  // namespace tidelog::broker
