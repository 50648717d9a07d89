#pragma once

#include "broker/group/classic_group.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// A log that keeps what it is given, or refuses it when told to.
class KeptLog final : public RecordLog {
 public:
  Result<void, ErrorCode> append(std::span<const GroupRecord> records) override {
    if (refusal_) return *std::exchange(refusal_, std::nullopt);
    for (const GroupRecord& record : records) records_.push_back(std::get<ClassicGroupRecord>(record));
    return {};
  }
  /// The next append, and no other.
  void refuse_next(ErrorCode code) { refusal_ = code; }
  void refuse_none() { refusal_.reset(); }
  [[nodiscard]] const std::vector<ClassicGroupRecord>& records() const { return records_; }

 private:
  std::vector<ClassicGroupRecord> records_;
  std::optional<ErrorCode> refusal_;
};

class NoTopics final : public TopicsView {
 public:
  [[nodiscard]] std::optional<TopicFacts> find(std::string_view) const override { return std::nullopt; }
  [[nodiscard]] std::optional<TopicFacts> find(const Uuid&) const override { return std::nullopt; }
  [[nodiscard]] std::vector<TopicFacts> all() const override { return {}; }
  [[nodiscard]] std::uint64_t version() const override { return 0; }
};

/// A classic group with everything around it, on a clock that moves when told to.
struct ClassicWorld {
  KeptLog log;
  GroupSettings settings;
  NoTopics topics;
  Moment now{};
  std::vector<LateAnswer> late;
  std::unique_ptr<ClassicGroup> group = std::make_unique<ClassicGroup>("g");

  /// Of one call.
  Step step() { return {.log = log, .settings = settings, .topics = topics, .now = now, .wall_clock = wall_clock(), .late = late}; }
  [[nodiscard]] TimestampMs wall_clock() const { return {std::chrono::duration_cast<std::chrono::milliseconds>(now).count()}; }

  void tick() {
    Step one = step();
    group->tick(one);
  }
  /// To the next moment at which something is due, but not past `until`; false if nothing is due before.
  bool advance(Moment until) {
    const std::optional<Moment> due = group->wake_at();
    now = due && *due <= until ? std::max(now, *due) : until;
    tick();
    return due && *due <= until;
  }
  /// The coordinator goes, and whoever follows it reads what is stored.
  void restart() {
    group = std::make_unique<ClassicGroup>("g");
    for (const ClassicGroupRecord& record : log.records()) group->replay(*record.value);
    Step one = step();
    group->loaded(one);
  }
};

inline OwnedBytes bytes_of(std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

inline std::string text_of(const OwnedBytes& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace tidelog::broker
