#include "broker/metadata/image.h"

#include "broker/metadata/topic_names.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

/// Epochs of a new topic stay far below the end of their type: counting on from a damaged one must not overflow.
constexpr std::int32_t kLargestStoredEpoch = std::int32_t{1} << 30;

/// Far above what will ever be given away, and far enough below the end that adding a block cannot overflow.
constexpr ProducerId kLastProducerId{std::int64_t{1} << 62};

bool has_plausible_epochs(const PartitionImage& partition) {
  return partition.leader_epoch.value <= kLargestStoredEpoch && partition.partition_epoch <= kLargestStoredEpoch;
}

bool is_set(std::vector<NodeId> nodes) {
  std::ranges::sort(nodes);
  return std::ranges::adjacent_find(nodes) == nodes.end();
}

bool is_subset(std::vector<NodeId> part, std::vector<NodeId> whole) {
  std::ranges::sort(part);
  std::ranges::sort(whole);
  return std::ranges::includes(whole, part);
}

bool is_sound(const PartitionImage& partition) {
  const bool has_leader = partition.leader != NodeId{-1};
  return !partition.replicas.empty() && is_set(partition.replicas) && is_set(partition.isr) &&
         is_subset(partition.isr, partition.replicas) &&
         (!has_leader || std::ranges::find(partition.isr, partition.leader) != partition.isr.end()) && partition.leader_epoch.value >= 0 &&
         partition.partition_epoch >= 0 && (partition.directories.empty() || partition.directories.size() == partition.replicas.size());
}

/// The index is where everything looks a partition up; the first one's is `first`.
bool are_sound(const std::vector<PartitionImage>& partitions, std::size_t first = 0) {
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    if (partitions[i].index.value != static_cast<std::int32_t>(first + i) || !is_sound(partitions[i])) return false;
  }
  return !partitions.empty();
}

void set(Image::Configs& configs, const SetConfigRecord& record) {
  if (record.value) {
    configs.insert_or_assign(record.key, *record.value);
  } else {
    configs.erase(record.key);
  }
}

const TopicImage* value_or_null(const Image::TopicPointer* topic) { return topic == nullptr ? nullptr : topic->get(); }

}  // namespace

Uuid directory_of(const PartitionRecord& partition, NodeId node) {
  const auto at = std::ranges::find(partition.replicas, node) - partition.replicas.begin();
  return std::cmp_less(at, partition.directories.size()) ? partition.directories[static_cast<std::size_t>(at)] : Uuid();
}

const TopicImage* Image::find_topic(std::string_view name) const { return value_or_null(by_name_.find(name)); }

const TopicImage* Image::find_topic(const Uuid& id) const { return value_or_null(by_id_.find(id)); }

const TopicImage* Image::find_lookalike(std::string_view name) const {
  return has_lookalikes(name) ? value_or_null(by_metric_form_.find(metric_form(name))) : find_topic(name);
}

const Image::Configs& Image::configs_of(ConfigScope scope, const std::string& name) const {
  static const Configs none;
  if (scope == ConfigScope::topic) {
    const TopicImage* topic = find_topic(name);
    return topic == nullptr ? none : topic->configs;
  }
  const auto found = resource_configs_.find({.scope = scope, .name = name});
  return found == resource_configs_.end() ? none : found->second;
}

std::size_t Image::partitions_in(const Uuid& directory) const {
  const auto found = in_directories_.find(directory);
  return found == in_directories_.end() ? 0 : found->second;
}

void Image::count(const std::vector<PartitionImage>& partitions, DirectoryCounts& counts) {
  for (const PartitionImage& partition : partitions) {
    for (const Uuid& directory : partition.directories) {
      if (!directory.is_zero()) ++counts[directory];
    }
  }
}

void Image::uncount(const std::vector<PartitionImage>& partitions) {
  DirectoryCounts gone;
  count(partitions, gone);
  for (const auto& [directory, replicas] : gone) {
    const auto found = in_directories_.find(directory);
    found->second -= replicas;
    if (found->second == 0) in_directories_.erase(found);
  }
}

Result<void> Image::apply(const MetadataRecord& record) {
  return std::visit([this](const auto& one) { return apply_one(one); }, record);
}

Result<void> Image::apply_one(const ClusterInfoRecord& record) {
  if (record.cluster_id.empty() || (!cluster_id_.empty() && cluster_id_ != record.cluster_id)) return Errc::corrupt;
  cluster_id_ = record.cluster_id;
  return {};
}

Result<void> Image::apply_one(const RegisterBrokerRecord& record) {
  const auto known = brokers_.find(record.node_id);
  if (record.node_id.value < 0 || record.broker_epoch < 0) return Errc::corrupt;
  // The epoch tells the process that runs from those before it: it cannot stand still.
  if (known != brokers_.end() && record.broker_epoch <= known->second.broker_epoch) return Errc::corrupt;
  brokers_[record.node_id] = {.node_id = record.node_id,
                              .incarnation = record.incarnation,
                              .broker_epoch = record.broker_epoch,
                              .listeners = record.listeners,
                              .rack = record.rack};
  if (record.unclean) raise_leader_epochs(record.node_id);
  return {};
}

void Image::raise_leader_epochs(NodeId leader) {
  std::vector<TopicPointer> changed;
  for (const auto& [name, topic] : by_name_) {
    if (std::ranges::none_of(topic->partitions, [&](const PartitionImage& p) { return p.leader == leader; })) continue;
    auto next = std::make_shared<TopicImage>(*topic);
    for (PartitionImage& partition : next->partitions) {
      if (partition.leader != leader) continue;
      ++partition.leader_epoch;
      ++partition.partition_epoch;
    }
    changed.push_back(std::move(next));
  }
  for (const TopicPointer& topic : changed) replace(topic);
}

void Image::replace(const TopicPointer& topic) {
  by_name_.insert_or_assign(topic->name, topic);
  by_id_.insert_or_assign(topic->id, topic);
  if (has_lookalikes(topic->name)) by_metric_form_.insert_or_assign(metric_form(topic->name), topic);
}

Result<void> Image::apply_one(const CreateTopicRecord& record) {
  // The name is part of a directory's: what decided may be trusted with that, what a disk says may not.
  if (record.topic_id.is_zero() || !topic_name_problem(record.name).empty() || !are_sound(record.partitions)) return Errc::corrupt;
  if (!std::ranges::all_of(record.partitions, has_plausible_epochs)) return Errc::corrupt;
  if (find_topic(record.name) != nullptr || find_topic(record.topic_id) != nullptr || find_lookalike(record.name) != nullptr) {
    return Errc::corrupt;
  }
  replace(std::make_shared<const TopicImage>(
      TopicImage{.id = record.topic_id, .name = record.name, .configs = record.configs, .partitions = record.partitions}));
  partition_count_ += record.partitions.size();
  count(record.partitions, in_directories_);
  return {};
}

Result<void> Image::apply_one(const AddPartitionsRecord& record) {
  const TopicImage* topic = find_topic(record.topic_id);
  if (topic == nullptr || !are_sound(record.partitions, topic->partitions.size())) return Errc::corrupt;
  if (!std::ranges::all_of(record.partitions, has_plausible_epochs)) return Errc::corrupt;
  auto next = std::make_shared<TopicImage>(*topic);
  next->partitions.insert(next->partitions.end(), record.partitions.begin(), record.partitions.end());
  replace(std::move(next));
  partition_count_ += record.partitions.size();
  count(record.partitions, in_directories_);
  return {};
}

Result<void> Image::apply_one(const AssignDirectoriesRecord& record) {
  const TopicImage* topic = find_topic(record.topic_id);
  if (topic == nullptr) return Errc::corrupt;
  auto next = std::make_shared<TopicImage>(*topic);
  for (const PartitionDirectories& found : record.partitions) {
    const auto at = static_cast<std::size_t>(found.index.value);
    if (found.index.value < 0 || at >= next->partitions.size()) return Errc::corrupt;
    PartitionImage& partition = next->partitions[at];
    if (found.directories.size() != partition.replicas.size()) return Errc::corrupt;
    partition.directories = found.directories;
  }
  uncount(topic->partitions);
  count(next->partitions, in_directories_);
  replace(std::move(next));
  return {};
}

Result<void> Image::apply_one(const DeleteTopicRecord& record) {
  const TopicPointer* found = by_id_.find(record.topic_id);
  if (found == nullptr) return Errc::corrupt;
  const TopicPointer topic = *found;
  partition_count_ -= topic->partitions.size();
  uncount(topic->partitions);
  by_name_.erase(topic->name);
  by_id_.erase(topic->id);
  if (has_lookalikes(topic->name)) by_metric_form_.erase(metric_form(topic->name));
  return {};
}

Result<void> Image::apply_one(const ProducerIdBlockRecord& record) {
  // Ids once given away never come back.
  if (record.next_producer_id < next_producer_id_ || record.next_producer_id > kLastProducerId) return Errc::corrupt;
  next_producer_id_ = record.next_producer_id;
  return {};
}

Result<void> Image::apply_one(const SetConfigRecord& record) {
  if (record.key.empty()) return Errc::corrupt;
  if (record.scope == ConfigScope::topic) {
    const TopicImage* topic = find_topic(record.resource);
    if (topic == nullptr) return Errc::corrupt;
    auto next = std::make_shared<TopicImage>(*topic);
    set(next->configs, record);
    replace(std::move(next));
    return {};
  }
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool is_broker = record.scope == ConfigScope::broker;
  if (is_broker ? !std::ranges::all_of(record.resource, is_digit) : record.resource.empty()) return Errc::corrupt;
  const ConfigResource resource{.scope = record.scope, .name = record.resource};
  Configs& configs = resource_configs_[resource];
  set(configs, record);
  if (configs.empty()) resource_configs_.erase(resource);
  return {};
}

Result<void> Image::apply_one(const ClientQuotaRecord& record) {
  // What limits somebody is a number above 0: nothing else can be counted against.
  const auto is_limit = [](const auto& value) { return !value.second || *value.second > 0; };
  if (record.entity.empty() || record.values.empty() || !std::ranges::all_of(record.values, is_limit)) return Errc::corrupt;
  // Images share it. One that no other image has is changed in place: a request about thousands would copy thousands for each.
  if (client_quotas_.use_count() > 1) client_quotas_ = std::make_shared<ClientQuotas>(*client_quotas_);
  client_quotas_->change(record.entity, record.values);
  return {};
}

std::vector<MetadataRecord> Image::snapshot() const {
  std::vector<MetadataRecord> records;
  if (!cluster_id_.empty()) records.emplace_back(ClusterInfoRecord{.cluster_id = cluster_id_});
  for (const auto& [node, broker] : brokers_) {
    records.emplace_back(RegisterBrokerRecord{.node_id = node,
                                              .incarnation = broker.incarnation,
                                              .broker_epoch = broker.broker_epoch,
                                              .listeners = broker.listeners,
                                              .rack = broker.rack});
  }
  for (const auto& [resource, configs] : resource_configs_) {
    for (const auto& [key, value] : configs) {
      records.emplace_back(SetConfigRecord{.scope = resource.scope, .resource = resource.name, .key = key, .value = value});
    }
  }
  for (const auto& [name, topic] : by_name_) {
    records.emplace_back(
        CreateTopicRecord{.topic_id = topic->id, .name = name, .configs = topic->configs, .partitions = topic->partitions});
  }
  for (const auto& [entity, values] : client_quotas_->all()) {
    records.emplace_back(ClientQuotaRecord{.entity = entity, .values = {values.begin(), values.end()}});
  }
  if (next_producer_id_ > ProducerId{0}) records.emplace_back(ProducerIdBlockRecord{.next_producer_id = next_producer_id_});
  return records;
}

bool Image::is_consistent() const {
  std::size_t lookalikes = 0;
  std::size_t partitions = 0;
  DirectoryCounts in_directories;
  for (const auto& [name, topic] : by_name_) {
    count(topic->partitions, in_directories);
    if (topic->name != name || find_topic(topic->id) != topic.get() || find_lookalike(name) != topic.get()) return false;
    if (!are_sound(topic->partitions)) return false;
    lookalikes += has_lookalikes(name) ? 1 : 0;
    partitions += topic->partitions.size();
  }
  return by_id_.size() == by_name_.size() && by_metric_form_.size() == lookalikes && partition_count_ == partitions &&
         in_directories_ == in_directories;
}

bool Image::operator==(const Image& other) const {
  const auto same = [](const auto& a, const auto& b) { return a.first == b.first && *a.second == *b.second; };
  return cluster_id_ == other.cluster_id_ && brokers_ == other.brokers_ && next_producer_id_ == other.next_producer_id_ &&
         resource_configs_ == other.resource_configs_ && *client_quotas_ == *other.client_quotas_ &&
         by_name_.size() == other.by_name_.size() && std::equal(by_name_.begin(), by_name_.end(), other.by_name_.begin(), same);
}

std::uint64_t fingerprint(const Image& image) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
  for (const MetadataRecord& record : image.snapshot()) {
    const std::string stored = encode_record(record);
    // The size keeps two records from looking like one.
    for (std::size_t size = stored.size(); size > 0; size >>= 8) add(static_cast<unsigned char>(size));
    for (const char byte : stored) add(static_cast<unsigned char>(byte));
  }
  return hash;
}

}  // namespace tidelog::broker
