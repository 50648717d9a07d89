#pragma once

#include "client/admin/group_offsets.h"
#include "client/group/session.h"
#include <tidelog/consumer.h>

namespace tidelog::core {

/// A consumer's part in a group on the caller's thread: follows what the group gives and takes, and commits.
/// Life: leaves the group at its end, without waiting.  Thread: one at a time.
class GroupReader {
 public:
  using Partitions = std::vector<std::shared_ptr<AssignedPartition>>;
  /// Replaces what is read; what stays is read on.
  using Replace = std::function<void(Partitions)>;

  /// `filter` is the compiled pattern of `what`, if it has one.
  GroupReader(std::shared_ptr<ClientCore> client, std::shared_ptr<ConsumerState> state, subscription what,
              std::shared_ptr<const TopicFilter> filter);
  ~GroupReader();
  GroupReader(const GroupReader&) = delete;
  GroupReader& operator=(const GroupReader&) = delete;

  /// Looks up where reads stop, and begins to join.
  result<void> start(TimePoint deadline);
  /// Tells the session that somebody polls.
  void polled();
  /// Follows every change there is. `reading` is what is read; an error leaves the change to be followed by the next call.
  result<void> follow(const Partitions& reading, const Replace& replace);
  [[nodiscard]] bool has_change() const;
  /// Whether there is an end, and what is read is what the group has said.
  [[nodiscard]] bool has_assigned_all() const { return what_.until() && is_settled_; }

  result<void> commit(const std::vector<group_offset>& offsets, TimePoint deadline);
  /// Commits what was read if it is time for it. A failure is tried again the next time.
  void commit_now_and_then(const Partitions& reading, TimePoint deadline);
  /// Gives up all of it, and leaves.
  result<void> close(const Partitions& reading, const Replace& replace);

  [[nodiscard]] OffsetReset reset() const;

 private:
  [[nodiscard]] std::optional<Change> next_change();
  void on_done(const Change& done);
  void give_up(const PartitionSet& revoked, const Partitions& reading);
  result<void> look_up_ends(TimePoint deadline);
  result<std::vector<std::string>> topics_now(TimePoint deadline);
  result<Partitions> begin(const PartitionSet& assigned);
  result<std::int64_t> first_offset(const topic_partition& where, TimePoint deadline);
  [[nodiscard]] GroupMember who() const;
  [[nodiscard]] bool is_passing(const error& why, bool is_again) const;
  [[nodiscard]] bool commits_by_itself() const { return client_->settings().commits_by_itself; }

  std::shared_ptr<ClientCore> client_;
  std::shared_ptr<ConsumerState> state_;
  subscription what_;
  std::shared_ptr<const TopicFilter> filter_;
  std::shared_ptr<GroupSession> session_;
  std::map<topic_partition, std::int64_t> until_;
  bool is_settled_ = false;
  bool is_closed_ = false;
  TimePoint commit_at_;
};

/// Where each of them goes on.
std::vector<group_offset> positions_of(const GroupReader::Partitions& reading);

}  // namespace tidelog::core
