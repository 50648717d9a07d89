#pragma once

#include "broker/group/classic_calls.h"
#include "broker/group/consumer_group.h"

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

/// A log that keeps what it is given, or refuses as many appends as it is told to.
class ConsumerLog final : public RecordLog {
 public:
  Result<void, ErrorCode> append(std::span<const GroupRecord> records) override {
    if (passed > 0) {
      --passed;
    } else if (refused > 0) {
      --refused;
      return refusal;
    }
    records_.insert(records_.end(), records.begin(), records.end());
    ++appends;
    return {};
  }
  [[nodiscard]] const std::vector<GroupRecord>& records() const { return records_; }

  int passed = 0;  ///< So many go well before any is refused.
  int refused = 0;
  ErrorCode refusal = ErrorCode::not_coordinator;
  int appends = 0;

 private:
  std::vector<GroupRecord> records_;
};

/// What a record is about: of two with the same, compaction keeps the later.
inline std::string key_of(const GroupRecord& record) {
  const std::string kind = std::to_string(record.index()) + " ";
  if (const auto* member = std::get_if<ConsumerMemberRecord>(&record)) return kind + member->member;
  if (const auto* target = std::get_if<ConsumerTargetMemberRecord>(&record)) return kind + target->member;
  if (const auto* current = std::get_if<ConsumerCurrentMemberRecord>(&record)) return kind + current->member;
  if (const auto* regex = std::get_if<ConsumerRegexRecord>(&record)) return kind + regex->regex;
  return kind;
}

inline bool is_tombstone(const GroupRecord& record) {
  return std::visit(
      [](const auto& one) {
        if constexpr (requires { one.value; }) return !one.value.has_value();
        return false;
      },
      record);
}

/// What compaction may leave of a log whose first `dirty_from` records it has cleaned.
inline std::vector<GroupRecord> compacted(const std::vector<GroupRecord>& log, std::size_t dirty_from, bool drop_tombstones) {
  std::map<std::string, std::size_t> last;
  for (std::size_t at = 0; at < dirty_from; ++at) last[key_of(log[at])] = at;
  std::vector<GroupRecord> left;
  for (std::size_t at = 0; at < log.size(); ++at) {
    const bool is_clean = at < dirty_from;
    if (is_clean && last[key_of(log[at])] != at) continue;
    if (is_clean && drop_tombstones && is_tombstone(log[at])) continue;
    left.push_back(log[at]);
  }
  return left;
}

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
    topic.id.bytes.back() = static_cast<std::byte>(++made_);
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
  int made_ = 0;
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
