#pragma once

#include "client/consumer/batch_data.h"
#include "client/core/client_core.h"
#include "proto/error_code.h"
#include "proto/messages/fetch_response.h"

#include <condition_variable>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace tidelog::core {

inline constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();

/// A partition that is read.
struct AssignedPartition {
  std::shared_ptr<const std::string> topic;
  std::int32_t index = 0;
  std::int64_t until = kNoEnd;
  std::int64_t position = 0;      ///< The caller's: after the last record handed out.
  std::int64_t fetch_offset = 0;  ///< The loop's from here on: what is fetched next.
  TimePoint retry_at;
  int failures = 0;
  bool is_stopped = false;  ///< After an error that the user was told; nothing more is fetched.
};

/// What one fetch asks a broker for.
struct FetchGroup {
  std::vector<std::shared_ptr<AssignedPartition>> partitions;
  std::vector<Uuid> topic_ids;  ///< Of each partition's topic, in the same order.
};

/// What a consumer and its fetcher share.  Thread: under `mutex`.
struct ConsumerState {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Slice> slices;
  std::deque<error> errors;
  std::optional<error> trouble;  ///< What the last fetch of a partition failed with and is tried again for.
  std::size_t queued_bytes = 0;
  // Of a member of a group.
  bool has_change = false;      ///< Whoever polls has something to follow.
  bool waits_for_poll = false;  ///< Nothing happens in the group before somebody polls.
  std::optional<TimePoint> polled_at;
};

/// A consumer's part on the loop: keeps one fetch at each broker that leads a partition to read, as long as there is room for answers.
/// Life: shared with its own callbacks; after `stop` it does nothing more.  Thread: the loop.
class Fetcher : public std::enable_shared_from_this<Fetcher> {
 public:
  Fetcher(ClientCore& core, std::shared_ptr<ConsumerState> state)
      : core_(core), state_(std::move(state)), reset_(core.settings().offset_reset.value_or(OffsetReset::none)) {}

  void start();
  void stop();
  /// Where reading goes on when an offset is outside the partition.
  void set_reset(OffsetReset reset) { reset_ = reset; }
  /// What is under way for a partition that stays is taken; the rest is dropped.
  void assign(std::vector<std::shared_ptr<AssignedPartition>> partitions);
  /// Fetches whatever may be fetched now.
  void pump();

 private:
  using Partitions = std::vector<std::shared_ptr<AssignedPartition>>;

  [[nodiscard]] std::map<std::int32_t, Partitions> choose(TimePoint now);
  [[nodiscard]] FetchGroup still_assigned(const FetchGroup& group) const;
  void fetch(std::int32_t leader, Partitions partitions);
  void on_answer(const FetchGroup& group, result<Answer> answer);
  void on_topic(const FetchGroup& group, const Answer& answer, const proto::FetchResponse::FetchableTopicResponse& topic);
  void on_partition(AssignedPartition& partition, const std::shared_ptr<AssignedPartition>& owner, const Answer& answer,
                    const proto::FetchResponse::PartitionData& data);
  void on_error(AssignedPartition& partition, ErrorCode code);
  void take_records(const std::shared_ptr<AssignedPartition>& partition, const Answer& answer, Bytes records);
  void reset(const std::shared_ptr<AssignedPartition>& partition);
  void back_off(AssignedPartition& partition);
  void tell(AssignedPartition& partition, error why);
  void arm_timer();

  ClientCore& core_;
  std::shared_ptr<ConsumerState> state_;
  OffsetReset reset_;
  Partitions assigned_;
  std::set<std::int32_t> busy_;  ///< Brokers with a fetch under way.
  std::uint64_t generation_ = 0;
  std::size_t turn_ = 0;  ///< Who is asked first, so that no partition starves.
  std::optional<IoLoop::TimerId> timer_;
  int listener_ = 0;
  bool is_stopped_ = false;
  bool is_pumping_ = false;
};

}  // namespace tidelog::core
