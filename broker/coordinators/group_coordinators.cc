#include "broker/coordinators/group_coordinators.h"

#include "broker/metadata/topic_names.h"
#include "broker/partition/services.h"
#include "broker/shard/spawn_apart.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

/// A partition that could not be loaded is tried again when a client asks, but not for each one that does.
constexpr SteadyTime kTriedAgainAfter = std::chrono::seconds(10);

}  // namespace

GroupCoordinators::GroupCoordinators(ShardServices& shard, std::shared_ptr<GroupsMemory> memory)
    : shard_(shard),
      memory_(std::move(memory)),
      topics_(shard.image),
      settings_(shard.image, shard.options),
      gate_(shard.shard.loop().executor()),
      viewing_(shard.shard.loop().executor()) {}

void GroupCoordinators::start() {
  spawn_apart(shard_.shard.loop(), load_all());
  look_for_expired();
}

asio::awaitable<void> GroupCoordinators::stop() {
  expiry_.cancel();
  for (const auto& [partition, groups] : hosted_) groups->give_up();
  co_await gate_.close();
}

std::shared_ptr<HostedGroups> GroupCoordinators::make(const TopicPartition& id) {
  const CoordinatorHost host{.shard = shard_,
                             .topics = topics_,
                             .settings = settings_,
                             .memory = *memory_,
                             .gate = gate_,
                             .viewing = viewing_,
                             .is_starting = is_starting_};
  return std::make_shared<HostedGroups>(host, id);
}

std::shared_ptr<HostedGroups> GroupCoordinators::host(const TopicPartition& id) {
  std::shared_ptr<HostedGroups>& place = hosted_[id.partition];
  const bool is_same = place != nullptr && place->id() == id && place->state() != HostedGroups::State::gone;
  const bool is_due =
      is_same && place->state() == HostedGroups::State::failed && shard_.shard.loop().now() >= place->failed_at() + kTriedAgainAfter;
  if (is_same && !is_due) return place;
  if (place != nullptr) place->give_up();
  place = make(id);
  spawn_apart(shard_.shard.loop(), load(place));
  return place;
}

asio::awaitable<void> GroupCoordinators::load(std::shared_ptr<HostedGroups> groups) {
  const Gate::Pass pass = gate_.enter();
  co_await groups->load();
}

std::shared_ptr<HostedGroups> GroupCoordinators::find(const TopicPartition& id, ErrorCode& why) {
  settings_.follow_options();
  why = ErrorCode::none;
  if (gate_.is_closed() || shard_.partitions.find(id) == nullptr) {
    // One whose log directory is offline is nowhere: looking for it elsewhere would lead here again.
    const bool is_stuck = !gate_.is_closed() && why_absent(shard_, id) == ErrorCode::kafka_storage_error;
    why = is_stuck ? ErrorCode::coordinator_not_available : ErrorCode::not_coordinator;
    return nullptr;
  }
  std::shared_ptr<HostedGroups> groups = host(id);
  if (groups->state() == HostedGroups::State::active) return groups;
  why = groups->state() == HostedGroups::State::loading ? ErrorCode::coordinator_load_in_progress : ErrorCode::coordinator_not_available;
  return nullptr;
}

std::vector<TopicPartition> GroupCoordinators::owned_here() const {
  std::vector<TopicPartition> ids;
  const TopicImage* const topic = shard_.image == nullptr ? nullptr : shard_.image->find_topic(kOffsetsTopic);
  if (topic == nullptr) return ids;
  for (const PartitionImage& partition : topic->partitions) {
    const TopicPartition id{.topic_id = topic->id, .partition = partition.index};
    if (shard_.partitions.find(id) != nullptr) ids.push_back(id);
  }
  return ids;
}

std::vector<std::shared_ptr<HostedGroups>> GroupCoordinators::all(ErrorCode& why) {
  std::vector<std::shared_ptr<HostedGroups>> groups;
  why = ErrorCode::none;
  for (const TopicPartition& id : owned_here()) {
    ErrorCode error = ErrorCode::none;
    std::shared_ptr<HostedGroups> one = find(id, error);
    if (one != nullptr) groups.push_back(std::move(one));
    if (why == ErrorCode::none) why = error;
  }
  return groups;
}

/// One after the other: a start has other things to read as well.
asio::awaitable<void> GroupCoordinators::load_all() {
  const Gate::Pass pass = gate_.enter();
  settings_.follow_options();
  for (const TopicPartition& id : owned_here()) {
    if (gate_.is_closed()) co_return;
    std::shared_ptr<HostedGroups>& place = hosted_[id.partition];
    if (place != nullptr) continue;
    place = make(id);
    const std::shared_ptr<HostedGroups> groups = place;
    co_await groups->load();
  }
  is_starting_ = false;
  for (const auto& [partition, groups] : hosted_) groups->consider_view();
}

void GroupCoordinators::look_for_expired() {
  settings_.follow_options();
  for (const auto& [partition, groups] : hosted_) {
    if (groups->state() != HostedGroups::State::active) continue;
    groups->step([](GroupMachine& machine, Step& step) {
      machine.expire_offsets(step);
      return 0;
    });
  }
  const auto pause = std::chrono::milliseconds(std::max<std::int64_t>(shard_.options->offsets_retention_check_interval_ms, 1));
  shard_.shard.timers().arm_in(expiry_, pause);
}

void GroupCoordinators::let_go(const std::vector<TopicPartition>& partitions) {
  for (const TopicPartition& id : partitions) {
    const auto found = hosted_.find(id.partition);
    if (found != hosted_.end() && found->second->id() == id) found->second->give_up();
  }
}

void GroupCoordinators::forget_topic(const std::string& name, const Uuid& id) {
  settings_.follow_options();
  for (const auto& [partition, groups] : hosted_) {
    if (groups->state() != HostedGroups::State::active) continue;
    groups->step([&](GroupMachine& machine, Step& step) {
      machine.forget_topic(name, id, step);
      return 0;
    });
  }
}

}  // namespace tidelog::broker
