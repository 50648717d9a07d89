#pragma once

#include "broker/group/group_machine.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// A log that keeps batches as they were appended, or refuses them as long as it is told to.
class BatchLog final : public RecordLog {
 public:
  Result<void, ErrorCode> append(std::span<const GroupRecord> records) override {
    if (refusal) return *refusal;
    batches.emplace_back(records.begin(), records.end());
    return {};
  }
  [[nodiscard]] std::vector<GroupRecord> records() const {
    std::vector<GroupRecord> all;
    for (const auto& batch : batches) all.insert(all.end(), batch.begin(), batch.end());
    return all;
  }

  std::vector<std::vector<GroupRecord>> batches;
  std::optional<ErrorCode> refusal;
};

class SomeTopics final : public TopicsView {
 public:
  /// Also anew, under another id.
  Uuid create(const std::string& name, std::int32_t partitions) {
    Uuid id;
    id.bytes[0] = std::byte{0x77};
    id.bytes[14] = static_cast<std::byte>(++made_ >> 8U);
    id.bytes[15] = static_cast<std::byte>(made_);
    topics_.insert_or_assign(name, std::pair(id, partitions));
    return id;
  }
  void remove(const std::string& name) { ++made_, topics_.erase(name); }
  /// Makes it if it is not there.
  void grow(const std::string& name, std::int32_t partitions) {
    const auto at = topics_.find(name);
    if (at == topics_.end()) return (void)create(name, partitions);
    ++made_;
    at->second.second = std::max(at->second.second, partitions);
  }
  [[nodiscard]] std::string name_of(const Uuid& id) const {
    const std::optional<TopicFacts> facts = find(id);
    return facts ? std::string(facts->name) : "?";
  }

  [[nodiscard]] std::optional<TopicFacts> find(std::string_view name) const override {
    const auto at = topics_.find(name);
    return at == topics_.end() ? std::nullopt : std::optional(facts(*at));
  }
  [[nodiscard]] std::optional<TopicFacts> find(const Uuid& id) const override {
    for (const auto& topic : topics_) {
      if (topic.second.first == id) return facts(topic);
    }
    return std::nullopt;
  }
  [[nodiscard]] std::vector<TopicFacts> all() const override {
    std::vector<TopicFacts> all;
    for (const auto& topic : topics_) all.push_back(facts(topic));
    return all;
  }
  [[nodiscard]] std::uint64_t version() const override { return made_; }

 private:
  using Topics = std::map<std::string, std::pair<Uuid, std::int32_t>, std::less<>>;
  static TopicFacts facts(const Topics::value_type& topic) {
    return {.id = topic.second.first, .name = topic.first, .partitions = topic.second.second};
  }
  Topics topics_;
  std::uint32_t made_ = 0;
};

/// A group machine with everything around it, on a clock that moves when told to.
struct MachineWorld {
  BatchLog log;
  GroupSettings settings{.initial_rebalance_delay = std::chrono::milliseconds(0)};
  const SettingsView* own_settings = nullptr;
  GroupRoom* room = nullptr;
  SomeTopics topics;
  Moment now{};
  TimestampMs began{1'700'000'000'000};
  std::vector<LateAnswer> late;
  std::unique_ptr<GroupMachine> machine = std::make_unique<GroupMachine>();

  /// Of one call.
  Step step() {
    return {.log = log,
            .settings = settings,
            .topics = topics,
            .now = now,
            .wall_clock = wall_clock(),
            .late = late,
            .own_settings = own_settings,
            .room = room};
  }
  [[nodiscard]] TimestampMs wall_clock() const { return began + std::chrono::duration_cast<std::chrono::milliseconds>(now).count(); }

  auto ask(const auto& call) {
    Step one = step();
    return call(*machine, one);
  }
  void tick() {
    Step one = step();
    machine->tick(one);
  }
  void expire() {
    Step one = step();
    machine->expire_offsets(one);
  }
  /// A coordinator that follows and has read these records.
  static std::unique_ptr<GroupMachine> replayed(std::span<const GroupRecord> records) {
    auto machine = std::make_unique<GroupMachine>();
    for (const GroupRecord& record : records) machine->replay(record);
    return machine;
  }
  void restart() {
    machine = replayed(log.records());
    Step one = step();
    machine->loaded(one);
  }

  CommitAnswer commit(const CommitCall& call) {
    Step one = step();
    return machine->commit(call, one);
  }
  /// By nobody's member, for one partition.
  ErrorCode commit(const std::string& group, const std::string& topic, std::int32_t partition, std::int64_t offset) {
    return commit(CommitCall{.group = group, .member_id = {}, .instance_id = {}, .topics = {topic_at(topic, partition, offset)}})
        .partitions.at(0);
  }
  CommitCall::Topic topic_at(const std::string& topic, std::int32_t partition, std::int64_t offset) {
    const std::optional<TopicFacts> facts = topics.find(topic);
    return {.name = topic,
            .id = facts ? facts->id : Uuid{},
            .partitions = {{.index = partition, .offset = offset, .leader_epoch = -1, .metadata = {}}}};
  }
  ErrorCode delete_group(const std::string& group) {
    Step one = step();
    return machine->delete_group(group, one);
  }

  /// The first member joins; without a delay, a group of one has its answer at once or late.
  JoinAnswer join(JoinCall call) {
    Step one = step();
    std::optional<JoinAnswer> answer = machine->join(call, one);
    if (answer) return *answer;
    for (const LateAnswer& said : late) {
      if (said.ticket == call.ticket) return std::get<JoinAnswer>(said.answer);
    }
    return join_refused(ErrorCode::request_timed_out);
  }
  static JoinCall join_call(const std::string& group, const std::string& id, std::vector<std::string> topics = {}) {
    JoinCall call;
    call.ticket = 1;
    call.group = group;
    call.fresh_member_id = id;
    call.client_id = "c";
    call.client_host = "h";
    call.session_timeout = std::chrono::seconds(10);
    call.rebalance_timeout = std::chrono::seconds(10);
    call.protocol_type = "consumer";
    call.protocols = {{.name = "range", .metadata = subscription(topics)}};
    return call;
  }
  /// One member, stable.
  void make_stable(const std::string& group, const std::string& id, std::vector<std::string> names) {
    (void)join(join_call(group, id, std::move(names)));
    tick();
    SyncCall sync;
    sync.ticket = 2;
    sync.group = group;
    sync.generation = 1;
    sync.member_id = id;
    Step one = step();
    (void)machine->sync(sync, one);
    late.clear();
  }
  void leave(const std::string& group, const std::string& id) {
    Step one = step();
    (void)machine->leave({.group = group, .members = {{.id = id, .instance_id = {}, .reason = {}}}}, one);
  }
  /// As clients send it: version 0, topics, no user data.
  static OwnedBytes subscription(const std::vector<std::string>& topics) {
    OwnedBytes bytes{std::byte{0}, std::byte{0}};
    const auto add = [&bytes](std::uint64_t number, int size) {
      for (int shift = (size - 1) * 8; shift >= 0; shift -= 8)
        bytes.push_back(static_cast<std::byte>(number >> static_cast<unsigned>(shift)));
    };
    add(topics.size(), 4);
    for (const std::string& topic : topics) {
      add(topic.size(), 2);
      for (const char c : topic) bytes.push_back(static_cast<std::byte>(c));
    }
    add(0xffffffff, 4);
    return bytes;
  }

  static ConsumerHeartbeatCall beat_call(const std::string& group, const std::string& id, std::int32_t epoch) {
    ConsumerHeartbeatCall call;
    call.group = group;
    call.member_id = id;
    call.member_epoch = epoch;
    call.client_id = "c";
    call.client_host = "h";
    return call;
  }
  ConsumerHeartbeatAnswer beat(const ConsumerHeartbeatCall& call) {
    Step one = step();
    return machine->heartbeat(call, one);
  }
  ConsumerHeartbeatAnswer join_consumer_group(const std::string& group, const std::string& id, std::vector<std::string> names) {
    ConsumerHeartbeatCall call = beat_call(group, id, 0);
    call.rebalance_timeout_ms = 10'000;
    call.subscribed_names = std::move(names);
    call.owned.emplace();
    return beat(call);
  }
};

}  // namespace tidelog::broker
