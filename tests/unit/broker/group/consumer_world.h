#pragma once

#include "broker/group/classic_calls.h"
#include "broker/group/consumer_group.h"
#include "tests/unit/broker/group/compaction.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// A consumer group with everything around it, on a clock that moves when told to.

namespace tidelog::broker {

/// A log that keeps what it is given, or refuses as many appends as it is told to, and batches that are larger than they may be.
class ConsumerLog final : public RecordLog {
 public:
  Result<void, ErrorCode> append(std::span<const GroupRecord> records) override {
    if (passed > 0) {
      --passed;
    } else if (refused > 0) {
      --refused;
      return refusal;
    }
    std::size_t bytes = 0;
    for (const GroupRecord& record : records) bytes += bytes_of(record);
    if (bytes > most_bytes) return ErrorCode::unknown_server_error;
    records_.insert(records_.end(), records.begin(), records.end());
    ++appends;
    return {};
  }
  [[nodiscard]] const std::vector<GroupRecord>& records() const { return records_; }

  int passed = 0;  ///< So many go well before any is refused.
  int refused = 0;
  ErrorCode refusal = ErrorCode::not_coordinator;
  int appends = 0;
  std::size_t most_bytes = 1'048'588;  ///< Of a batch, as of `__consumer_offsets`.

 private:
  static std::size_t bytes_of(const GroupRecord& record) {
    const StoredRecord stored = encode(record);
    return stored.key.size() + (stored.value ? stored.value->size() : 0);
  }

  std::vector<GroupRecord> records_;
};

class ConsumerTopics final : public TopicsView {
 public:
  /// Creates it or adds partitions to it.
  void set(const std::string& name, std::int32_t partitions) {
    ++version_;
    const auto at = std::ranges::find(topics_, name, &Topic::name);
    if (at != topics_.end()) {
      at->partitions = partitions;
      return;
    }
    Topic topic{.name = name, .id = {}, .partitions = partitions};
    topic.id.bytes[15] = static_cast<std::byte>(++made_);
    topic.id.bytes[14] = static_cast<std::byte>(made_ >> 8U);
    names_[topic.id] = name;
    topics_.insert(std::ranges::upper_bound(topics_, name, {}, &Topic::name), std::move(topic));
  }
  void drop(const std::string& name) {
    ++version_;
    std::erase_if(topics_, [&](const Topic& topic) { return topic.name == name; });
  }
  void touch() { ++version_; }

  [[nodiscard]] std::optional<TopicFacts> find(std::string_view name) const override {
    const auto at = std::ranges::lower_bound(topics_, name, {}, &Topic::name);
    return at != topics_.end() && at->name == name ? std::optional(facts(*at)) : std::nullopt;
  }
  [[nodiscard]] std::optional<TopicFacts> find(const Uuid& id) const override {
    const auto at = std::ranges::find(topics_, id, &Topic::id);
    return at != topics_.end() ? std::optional(facts(*at)) : std::nullopt;
  }
  [[nodiscard]] std::vector<TopicFacts> all() const override {
    std::vector<TopicFacts> all;
    for (const Topic& topic : topics_) all.push_back(facts(topic));
    return all;
  }
  [[nodiscard]] std::uint64_t version() const override { return version_; }
  /// Of topics that are gone as well.
  [[nodiscard]] std::string name_of(const Uuid& id) const { return names_.contains(id) ? names_.at(id) : "?"; }

 private:
  struct Topic {
    std::string name;
    Uuid id;
    std::int32_t partitions = 0;
  };
  static TopicFacts facts(const Topic& topic) { return {.id = topic.id, .name = topic.name, .partitions = topic.partitions}; }

  std::vector<Topic> topics_;
  std::map<Uuid, std::string> names_;
  std::uint64_t version_ = 1;
  unsigned made_ = 0;
};

struct ConsumerWorld {
  ConsumerLog log;
  GroupSettings settings;
  ConsumerTopics topics;
  Moment now{};
  std::vector<LateAnswer> late;
  std::unique_ptr<ConsumerGroup> group = std::make_unique<ConsumerGroup>("g");

  /// Of one call.
  Step step() { return {.log = log, .settings = settings, .topics = topics, .now = now, .wall_clock = wall_clock(), .late = late}; }
  [[nodiscard]] TimestampMs wall_clock() const {
    return {1'700'000'000'000 + std::chrono::duration_cast<std::chrono::milliseconds>(now).count()};
  }
  ConsumerHeartbeatAnswer heartbeat(const ConsumerHeartbeatCall& call) {
    Step one = step();
    return group->heartbeat(call, one);
  }
  /// To `until`, with everything that becomes due on the way.
  void advance(Moment until) {
    for (std::optional<Moment> due = group->wake_at(); due && *due <= until; due = group->wake_at()) {
      now = std::max(now, *due);
      Step one = step();
      group->tick(one);
    }
    now = until;
  }
  [[nodiscard]] static std::unique_ptr<ConsumerGroup> replayed(const std::vector<GroupRecord>& records) {
    auto fresh = std::make_unique<ConsumerGroup>("g");
    for (const GroupRecord& record : records) fresh->apply(record);
    return fresh;
  }
  /// Another coordinator reads the log.
  void restart(const std::vector<GroupRecord>& records) {
    group = replayed(records);
    Step one = step();
    group->loaded(one);
  }
};

}  // namespace tidelog::broker
