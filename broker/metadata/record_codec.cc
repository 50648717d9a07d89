#include "broker/metadata/records.h"
#include "proto/internal/metadata_records.pb.h"

#include <cstring>
#include <limits>

namespace tidelog::broker {
namespace {

std::string to_stored(const Uuid& id) { return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()}; }

bool from_stored(const std::string& text, Uuid& id) {
  if (text.size() != id.bytes.size()) return false;
  std::memcpy(id.bytes.data(), text.data(), text.size());
  return true;
}

void to_stored(const PartitionRecord& partition, stored::Partition& to) {
  to.set_index(partition.index.value);
  for (const NodeId node : partition.replicas) to.add_replicas(node.value);
  for (const NodeId node : partition.isr) to.add_isr(node.value);
  to.set_leader(partition.leader.value);
  to.set_leader_epoch(partition.leader_epoch.value);
  to.set_partition_epoch(partition.partition_epoch);
  for (const Uuid& directory : partition.directories) to.add_directories(to_stored(directory));
}

template <class Stored>
bool read_directories(const Stored& from, std::vector<Uuid>& to) {
  for (const auto& directory : from.directories()) {
    if (!from_stored(directory, to.emplace_back())) return false;
  }
  return true;
}

Result<PartitionRecord> from_stored(const stored::Partition& from) {
  PartitionRecord partition{
      .index = {from.index()}, .leader = {from.leader()}, .leader_epoch = {from.leader_epoch()}, .partition_epoch = from.partition_epoch()};
  for (const auto node : from.replicas()) partition.replicas.push_back({node});
  for (const auto node : from.isr()) partition.isr.push_back({node});
  if (!read_directories(from, partition.directories)) return Errc::corrupt;
  return partition;
}

struct Encoder {
  stored::MetadataRecord out;

  void operator()(const ClusterInfoRecord& record) { out.mutable_cluster_info()->set_cluster_id(record.cluster_id); }

  void operator()(const RegisterBrokerRecord& record) {
    auto& to = *out.mutable_register_broker();
    to.set_node_id(record.node_id.value);
    to.set_incarnation(to_stored(record.incarnation));
    to.set_broker_epoch(record.broker_epoch);
    to.set_rack(record.rack);
    to.set_unclean(record.unclean);
    for (const ListenerRecord& listener : record.listeners) {
      auto& one = *to.add_listeners();
      one.set_name(listener.name);
      one.set_host(listener.host);
      one.set_port(listener.port);
    }
  }

  void operator()(const CreateTopicRecord& record) {
    auto& to = *out.mutable_create_topic();
    to.set_topic_id(to_stored(record.topic_id));
    to.set_name(record.name);
    for (const auto& [key, value] : record.configs) {
      auto& one = *to.add_configs();
      one.set_key(key);
      one.set_value(value);
    }
    for (const PartitionRecord& partition : record.partitions) to_stored(partition, *to.add_partitions());
  }

  void operator()(const AddPartitionsRecord& record) {
    auto& to = *out.mutable_add_partitions();
    to.set_topic_id(to_stored(record.topic_id));
    for (const PartitionRecord& partition : record.partitions) to_stored(partition, *to.add_partitions());
  }

  void operator()(const AssignDirectoriesRecord& record) {
    auto& to = *out.mutable_assign_directories();
    to.set_topic_id(to_stored(record.topic_id));
    for (const PartitionDirectories& partition : record.partitions) {
      auto& one = *to.add_partitions();
      one.set_partition(partition.index.value);
      for (const Uuid& directory : partition.directories) one.add_directories(to_stored(directory));
    }
  }

  void operator()(const ClientQuotaRecord& record) {
    auto& to = *out.mutable_client_quota();
    for (const auto& [kind, name] : record.entity) {
      auto& part = *to.add_entity();
      part.set_kind(kind);
      if (name) part.set_name(*name);
    }
    for (const auto& [key, value] : record.values) {
      auto& one = *to.add_values();
      one.set_key(key);
      if (value) one.set_value(*value);
    }
  }

  void operator()(const DeleteTopicRecord& record) { out.mutable_delete_topic()->set_topic_id(to_stored(record.topic_id)); }

  void operator()(const ProducerIdBlockRecord& record) {
    auto& to = *out.mutable_producer_id_block();
    to.set_node_id(record.node_id.value);
    to.set_broker_epoch(record.broker_epoch);
    to.set_next_producer_id(record.next_producer_id.value);
  }

  void operator()(const SetConfigRecord& record) {
    auto& to = *out.mutable_set_config();
    to.set_scope(static_cast<stored::SetConfig::Scope>(record.scope));
    to.set_resource(record.resource);
    to.set_key(record.key);
    if (record.value) to.set_value(*record.value);
  }
};

Result<MetadataRecord> decode_register(const stored::RegisterBroker& from) {
  RegisterBrokerRecord record{
      .node_id = {from.node_id()}, .broker_epoch = from.broker_epoch(), .rack = from.rack(), .unclean = from.unclean()};
  if (!from_stored(from.incarnation(), record.incarnation)) return Errc::corrupt;
  for (const auto& listener : from.listeners()) {
    if (listener.port() > std::numeric_limits<std::uint16_t>::max()) return Errc::corrupt;
    record.listeners.push_back({.name = listener.name(), .host = listener.host(), .port = static_cast<std::uint16_t>(listener.port())});
  }
  return MetadataRecord(std::move(record));
}

Result<MetadataRecord> decode_create(const stored::CreateTopic& from) {
  CreateTopicRecord record{.name = from.name()};
  if (!from_stored(from.topic_id(), record.topic_id) || record.name.empty()) return Errc::corrupt;
  for (const auto& config : from.configs()) {
    if (!record.configs.emplace(config.key(), config.value()).second) return Errc::corrupt;
  }
  for (const auto& partition : from.partitions()) {
    // Partitions are numbered as they stand: everything else indexes by that.
    if (partition.index() != static_cast<std::int32_t>(record.partitions.size())) return Errc::corrupt;
    Result<PartitionRecord> read = from_stored(partition);
    if (!read) return read.error();
    record.partitions.push_back(std::move(*read));
  }
  return MetadataRecord(std::move(record));
}

Result<MetadataRecord> decode_add(const stored::AddPartitions& from) {
  AddPartitionsRecord record;
  if (!from_stored(from.topic_id(), record.topic_id)) return Errc::corrupt;
  for (const auto& partition : from.partitions()) {
    Result<PartitionRecord> read = from_stored(partition);
    if (!read) return read.error();
    record.partitions.push_back(std::move(*read));
  }
  return MetadataRecord(std::move(record));
}

Result<MetadataRecord> decode_assign(const stored::AssignDirectories& from) {
  AssignDirectoriesRecord record;
  if (!from_stored(from.topic_id(), record.topic_id)) return Errc::corrupt;
  for (const auto& partition : from.partitions()) {
    PartitionDirectories& one = record.partitions.emplace_back();
    one.index = {partition.partition()};
    if (!read_directories(partition, one.directories)) return Errc::corrupt;
  }
  return MetadataRecord(std::move(record));
}

Result<MetadataRecord> decode_quota(const stored::ClientQuota& from) {
  ClientQuotaRecord record;
  for (const auto& part : from.entity()) {
    const std::optional<std::string> name = part.has_name() ? std::optional(part.name()) : std::nullopt;
    if (!record.entity.emplace(part.kind(), name).second) return Errc::corrupt;
  }
  for (const auto& one : from.values()) {
    const std::optional<double> value = one.has_value() ? std::optional(one.value()) : std::nullopt;
    if (!record.values.emplace(one.key(), value).second) return Errc::corrupt;
  }
  return MetadataRecord(std::move(record));
}

Result<MetadataRecord> decode_delete(const stored::DeleteTopic& from) {
  DeleteTopicRecord record;
  if (!from_stored(from.topic_id(), record.topic_id)) return Errc::corrupt;
  return MetadataRecord(record);
}

Result<MetadataRecord> decode_block(const stored::ProducerIdBlock& from) {
  return MetadataRecord(ProducerIdBlockRecord{
      .node_id = {from.node_id()}, .broker_epoch = from.broker_epoch(), .next_producer_id = {from.next_producer_id()}});
}

Result<MetadataRecord> decode_config(const stored::SetConfig& from) {
  if (!stored::SetConfig::Scope_IsValid(from.scope()) || from.scope() == stored::SetConfig::UNKNOWN) return Errc::unsupported;
  SetConfigRecord record{.scope = static_cast<ConfigScope>(from.scope()), .resource = from.resource(), .key = from.key()};
  if (from.has_value()) record.value = from.value();
  return MetadataRecord(std::move(record));
}

Result<MetadataRecord> convert(const stored::MetadataRecord& in) {
  switch (in.kind_case()) {
    case stored::MetadataRecord::kClusterInfo: return MetadataRecord(ClusterInfoRecord{.cluster_id = in.cluster_info().cluster_id()});
    case stored::MetadataRecord::kRegisterBroker: return decode_register(in.register_broker());
    case stored::MetadataRecord::kCreateTopic: return decode_create(in.create_topic());
    case stored::MetadataRecord::kDeleteTopic: return decode_delete(in.delete_topic());
    case stored::MetadataRecord::kProducerIdBlock: return decode_block(in.producer_id_block());
    case stored::MetadataRecord::kSetConfig: return decode_config(in.set_config());
    case stored::MetadataRecord::kClientQuota: return decode_quota(in.client_quota());
    case stored::MetadataRecord::kAssignDirectories: return decode_assign(in.assign_directories());
    case stored::MetadataRecord::kAddPartitions: return decode_add(in.add_partitions());
    case stored::MetadataRecord::KIND_NOT_SET: break;
  }
  // Empty bytes are no record; others are one of a kind that came later.
  return in.ByteSizeLong() == 0 ? Errc::corrupt : Errc::unsupported;
}

}  // namespace

std::string encode_record(const MetadataRecord& record) {
  Encoder encoder;
  std::visit(encoder, record);
  return encoder.out.SerializeAsString();
}

Result<MetadataRecord> decode_record(Bytes bytes) {
  stored::MetadataRecord in;
  if (bytes.size() > std::numeric_limits<int>::max()) return Errc::too_large;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Errc::corrupt;
  Result<MetadataRecord> record = convert(in);
  if (!record) return record;
  // Protobuf steps over fields it does not know. What was understood takes as many bytes as there are, or something was stepped over.
  Encoder again;
  std::visit(again, *record);
  if (again.out.ByteSizeLong() != bytes.size()) return Errc::unsupported;
  return record;
}

}  // namespace tidelog::broker
