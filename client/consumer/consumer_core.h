#pragma once

#include "client/consumer/group_reader.h"

namespace tidelog::core {

/// A consumer's part on the caller's thread: looks offsets up, checks and unpacks what was fetched.
/// Thread: one at a time.
class ConsumerCore {
 public:
  explicit ConsumerCore(std::shared_ptr<ClientCore> client);
  ~ConsumerCore();
  ConsumerCore(const ConsumerCore&) = delete;
  ConsumerCore& operator=(const ConsumerCore&) = delete;

  result<void> assign(const std::vector<assignment>& partitions);
  result<void> subscribe(const subscription& what);
  result<void> commit();
  result<void> commit(const std::vector<group_offset>& offsets);
  result<void> close();
  [[nodiscard]] std::vector<topic_partition> assigned() const;
  result<record_batch> poll(Milliseconds timeout);
  [[nodiscard]] bool finished() const;
  [[nodiscard]] std::int64_t position(std::string_view topic, std::int32_t partition) const;
  [[nodiscard]] std::optional<error> trouble() const;

 private:
  /// Drops whatever was fetched of partitions that are not among these.
  void replace(std::vector<std::shared_ptr<AssignedPartition>> partitions);
  void wait_for_change(TimePoint deadline);
  void forget_errors();
  void leave_group();
  /// What the group wants before there are records.
  result<void> serve_group(TimePoint deadline);
  /// Makes the next slice the current one. False: none came in time.
  result<bool> next_slice(TimePoint deadline);
  result<record_batch> unpack_some();
  [[nodiscard]] error damaged(const AssignedPartition& partition, std::string_view how) const;

  std::shared_ptr<ClientCore> client_;
  std::shared_ptr<ConsumerState> state_ = std::make_shared<ConsumerState>();
  std::shared_ptr<Fetcher> fetcher_;
  std::vector<std::shared_ptr<AssignedPartition>> assigned_;
  std::optional<Slice> current_;
  std::unique_ptr<GroupReader> group_;
  std::optional<error> pending_;  ///< Found behind records that were handed out first.
};

}  // namespace tidelog::core
