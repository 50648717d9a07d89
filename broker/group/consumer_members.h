#pragma once

#include "broker/group/classic_calls.h"
#include "broker/group/partition_set.h"
#include "broker/group/ports.h"
#include "broker/group/reconciliation.h"
#include "broker/group/records.h"
#include "broker/group/subscriptions.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tidelog::broker {

/// The members of a consumer group, and what follows from them: who has a partition, who goes by an instance id, who wants what.
///
/// A member is stored as three records that may come in any order when a compacted log is read. It is one of the group once it is known who
/// it is (`about`); before, it counts for nothing and has no partitions.
/// Crash: everything but the moments is rebuilt from the records.
class ConsumerMembers {
 public:
  struct Member {
    std::string id;
    std::optional<ConsumerMemberRecord::Value> about;
    const Subscriptions::Shared* subscription = nullptr;  ///< Of `about`.
    std::optional<MemberAssignment> current;
    std::optional<PartitionSet> target;
    Moment session_ends = Moment::max();  ///< Unless it is heard of before.
    /// Unless it gave up by then what it shall give up; if it speaks the classic protocol, unless it joined and synced again.
    Moment rebalance_ends = Moment::max();
    /// Of the classic protocol: it was told what it was assigned when it joined last.
    bool has_synced = false;
    std::size_t bytes = 0;  ///< That it counts for in `bytes` of all.
  };
  using ById = std::map<std::string, Member, std::less<>>;

  void set_about(const std::string& id, const std::optional<ConsumerMemberRecord::Value>& about);
  void set_target(const std::string& id, const std::optional<PartitionsById>& target);
  void set_current(const std::string& id, const std::optional<ConsumerCurrentMemberRecord::Value>& current);
  /// Counts anew who has arrived: all members are looked at.
  void set_target_epoch(std::int32_t epoch);

  [[nodiscard]] const Member* find(std::string_view id) const;
  [[nodiscard]] Member* find(std::string_view id);
  [[nodiscard]] const Member* find_instance(std::string_view instance_id) const;
  /// Who has it, even if only to give it up.
  [[nodiscard]] const Member* owner(const TopicPartition& partition) const;

  [[nodiscard]] std::size_t size() const { return size_; }
  /// How many have all that the target says, and nothing else.
  [[nodiscard]] std::size_t arrived() const { return arrived_; }
  /// Everybody of whom anything is stored; those without `about` are no members.
  [[nodiscard]] const ById& stored() const { return members_; }
  [[nodiscard]] ById& stored() { return members_; }
  /// How many members ask for each assignor.
  [[nodiscard]] const std::map<std::string, std::size_t, std::less<>>& assignors() const { return assignors_; }
  /// How many speak the classic protocol.
  [[nodiscard]] std::size_t classic() const { return classic_; }
  /// Whether one of these is spoken by all of those, whatever `but` speaks.
  [[nodiscard]] bool support_one_of(std::span<const ClassicProtocol> protocols, const Member* but) const;
  [[nodiscard]] const Subscriptions& subscriptions() const { return subscriptions_; }
  [[nodiscard]] Subscriptions& subscriptions() { return subscriptions_; }

  /// What they take in memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_ + subscriptions_.bytes(); }

  /// For tests: whether all that follows from the members is so. Looks at everything.
  [[nodiscard]] bool is_sound() const;

 private:
  Member& entry(const std::string& id);
  /// Into and out of what follows from who a member is.
  void list(Member& member);
  void unlist(Member& member);
  /// Into and out of what follows from what it has.
  void claim(const Member& member);
  void release(const Member& member);
  /// Something of it was stored or forgotten: it is counted anew, and goes if nothing is left.
  void settle(const std::string& id);
  [[nodiscard]] bool has_arrived(const Member& member) const;

  ById members_;
  std::map<std::string, std::string, std::less<>> ids_by_instance_;
  std::unordered_map<TopicPartition, const Member*> owners_;
  std::map<std::string, std::size_t, std::less<>> assignors_;
  std::map<std::string, std::size_t, std::less<>> speakers_;  ///< Of each protocol of the classic members.
  Subscriptions subscriptions_;
  std::int32_t target_epoch_ = 0;
  std::size_t size_ = 0;
  std::size_t arrived_ = 0;
  std::size_t classic_ = 0;
  std::size_t bytes_ = 0;
};

/// What it takes in memory that a member says this of itself, each beside the object itself.
std::size_t bytes_of(const ConsumerMemberRecord::Classic& classic);
std::size_t bytes_of(const ConsumerMemberRecord::Value& about);

[[nodiscard]] inline bool speaks_classic(const ConsumerMembers::Member& member) { return member.about && member.about->classic; }

/// What it has: nothing at first.
const MemberAssignment& current_of(const ConsumerMembers::Member& member);
/// What it shall have: nothing at first.
const PartitionSet& target_of(const ConsumerMembers::Member& member);

}  // namespace tidelog::broker
