#pragma once

#include "broker/group/ports.h"

#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tidelog::broker {

/// Whether a record says that its group is kept or forgotten. Nothing: it says neither.
inline std::optional<bool> says_stored(const GroupRecord& record) {
  if (const auto* classic = std::get_if<ClassicGroupRecord>(&record)) return classic->value.has_value();
  if (const auto* consumer = std::get_if<ConsumerGroupRecord>(&record)) return consumer->value.has_value();
  return std::nullopt;
}

/// The log as one group sees it during a step: what is to go before the group's first record goes along with it, in the same batch, and
/// what was appended is remembered as far as the machine has to know it.
class NotingLog final : public RecordLog {
 public:
  explicit NotingLog(RecordLog& log, std::vector<GroupRecord> first = {}) : log_(log), first_(std::move(first)) {}

  [[nodiscard]] Result<void, ErrorCode> append(std::span<const GroupRecord> records) override {
    std::vector<GroupRecord> together;
    if (!first_.empty()) {
      together = first_;
      together.insert(together.end(), records.begin(), records.end());
      records = together;
    }
    if (const Result<void, ErrorCode> appended = log_.append(records); !appended) return appended;
    first_.clear();
    has_appended_ = true;
    for (const GroupRecord& record : records) {
      if (const std::optional<bool> said = says_stored(record)) stored_ = said;
    }
    return {};
  }

  [[nodiscard]] bool has_appended() const { return has_appended_; }
  /// What the last record of a group said; nothing if none did.
  [[nodiscard]] std::optional<bool> stored() const { return stored_; }

 private:
  RecordLog& log_;
  std::vector<GroupRecord> first_;
  bool has_appended_ = false;
  std::optional<bool> stored_;
};

/// The same step as one group takes it: with its own log, and by its own settings.
inline Step step_of(std::string_view group, const Step& step, RecordLog& log) {
  return {.log = log,
          .settings = step.own_settings == nullptr ? step.settings : step.own_settings->of(group),
          .topics = step.topics,
          .now = step.now,
          .wall_clock = step.wall_clock,
          .late = step.late,
          .room = step.room};
}

}  // namespace tidelog::broker
