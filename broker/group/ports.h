#pragma once

#include "broker/group/memory.h"
#include "broker/group/records.h"
#include "proto/base/result.h"
#include "proto/base/types.h"
#include "proto/error_code.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What a group machine is given to work with. It decides, has its records appended and applies them in one step (RULES.md R8): the log is
// therefore a port that answers at once, and whoever stands behind it holds every answer until the records are committed.

namespace tidelog::broker {

/// A monotonic clock's reading, from any beginning.
using Moment = std::chrono::nanoseconds;

/// Names a request that waits for its answer. The driver makes them, and none twice.
using Ticket = std::uint64_t;

/// Where a group's records go.
class RecordLog {
 public:
  /// All of them as one batch, or none: then nothing may be applied, and the code is what clients shall be told. UNKNOWN_SERVER_ERROR: they
  /// are larger than a batch may be; whoever stands behind it has logged that.
  [[nodiscard]] virtual Result<void, ErrorCode> append(std::span<const GroupRecord> records) = 0;

 protected:
  ~RecordLog() = default;
};

struct TopicFacts {
  Uuid id;
  std::string_view name;
  std::int32_t partitions = 0;
};

/// The topics there are.
class TopicsView {
 public:
  [[nodiscard]] virtual std::optional<TopicFacts> find(std::string_view name) const = 0;
  [[nodiscard]] virtual std::optional<TopicFacts> find(const Uuid& id) const = 0;
  /// In the order of their names.
  [[nodiscard]] virtual std::vector<TopicFacts> all() const = 0;
  /// Another number whenever anything of the above may have changed.
  [[nodiscard]] virtual std::uint64_t version() const = 0;

 protected:
  ~TopicsView() = default;
};

/// Which way a group with members may change its protocol: group.consumer.migration.policy.
enum class MigrationPolicy : std::uint8_t { disabled, downgrade, upgrade, bidirectional };

/// From the classic protocol to the consumer protocol.
constexpr bool may_upgrade(MigrationPolicy policy) {
  return policy == MigrationPolicy::upgrade || policy == MigrationPolicy::bidirectional;
}
/// And back.
constexpr bool may_downgrade(MigrationPolicy policy) {
  return policy == MigrationPolicy::downgrade || policy == MigrationPolicy::bidirectional;
}

/// Limits and defaults, read anew for every step: most can change while the broker runs.
struct GroupSettings {
  std::chrono::milliseconds initial_rebalance_delay{3000};            ///< group.initial.rebalance.delay.ms
  std::chrono::milliseconds min_session_timeout{6000};                ///< group.min.session.timeout.ms
  std::chrono::milliseconds max_session_timeout{1800000};             ///< group.max.session.timeout.ms
  std::size_t max_size = 2147483647;                                  ///< group.max.size
  std::size_t offset_metadata_max_bytes = 4096;                       ///< offset.metadata.max.bytes
  std::chrono::milliseconds offsets_retention{604800000};             ///< offsets.retention.minutes
  std::chrono::milliseconds consumer_session_timeout{45000};          ///< consumer.session.timeout.ms of the group, else of all groups.
  std::chrono::milliseconds consumer_heartbeat_interval{5000};        ///< consumer.heartbeat.interval.ms, likewise.
  std::size_t consumer_max_size = 2147483647;                         ///< group.consumer.max.size
  std::vector<std::string> consumer_assignors{"uniform", "range"};    ///< group.consumer.assignors, the default one first.
  std::chrono::milliseconds consumer_assignment_interval{0};          ///< consumer.assignment.interval.ms, likewise; 0: at every change.
  MigrationPolicy migration_policy = MigrationPolicy::bidirectional;  ///< group.consumer.migration.policy
};

/// What was set for single groups.
class SettingsView {
 public:
  /// All that this group goes by: its own, and what holds for all. Valid until it is asked again.
  [[nodiscard]] virtual const GroupSettings& of(std::string_view group) const = 0;

 protected:
  ~SettingsView() = default;
};

struct LateAnswer;

/// What one step of a machine is given. Life: the step.
struct Step {
  RecordLog& log;
  const GroupSettings& settings;
  const TopicsView& topics;
  Moment now{};
  TimestampMs wall_clock{0};
  std::vector<LateAnswer>& late;               ///< Answers to earlier requests that this step makes possible.
  const SettingsView* own_settings = nullptr;  ///< None: no group has any.
  GroupRoom* room = nullptr;                   ///< None: groups may keep as much as they like.

  /// Whether so much more may be kept for a member or a group that there is not yet.
  [[nodiscard]] bool admits_newcomer(std::size_t bytes) const { return room == nullptr || room->admits_newcomer(bytes); }
  /// Whether what is known may become so large.
  [[nodiscard]] bool admits_growth(std::size_t before, std::size_t after) const {
    return room == nullptr || room->admits_growth(before, after);
  }
};

}  // namespace tidelog::broker
