#pragma once

#include "broker/group/classic_calls.h"
#include "broker/group/ports.h"

#include <chrono>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tidelog::broker {

/// A member of a classic group. What has a count or an index in `ClassicMembers` is changed through that only.
struct ClassicMember {
  std::string id;
  std::optional<std::string> instance_id;
  std::string client_id;
  std::string client_host;
  std::chrono::milliseconds rebalance_timeout{0};
  std::chrono::milliseconds session_timeout{0};
  std::vector<ClassicProtocol> protocols;  ///< Those it likes best first; no name twice.
  OwnedBytes assignment;
  std::optional<Ticket> join_ticket;  ///< It waits for the answer to its JoinGroup.
  std::optional<Ticket> sync_ticket;  ///< The same of its SyncGroup.
  bool is_new = false;                ///< It never got an answer to a JoinGroup.
  bool owes_sync = false;             ///< It knows the generation, and has not synced in it yet.
  Moment expires_at{};
  std::optional<Moment> watched_at;  ///< When its session will be looked at next: at `expires_at` or earlier.
  std::uint64_t order = 0;           ///< Rises with every member that comes.
  /// It comes from a consumer group, where it was told a protocol of its own; until it joins again it knows no other.
  bool was_told_its_own = false;

  [[nodiscard]] bool is_static() const { return instance_id.has_value(); }
  /// What it says under that name; nothing if it does not speak it.
  [[nodiscard]] const OwnedBytes* metadata(std::string_view protocol) const;
};

/// What a member takes in memory if it says this of itself, its assignment aside.
std::size_t bytes_of(const ClassicMember& member);
std::size_t bytes_of(std::span<const ClassicProtocol> protocols);

/// The members of a classic group in the order of their coming, and what must be known of all of them without walking over all of them.
/// A reference to a member holds until it is removed.
class ClassicMembers {
 public:
  ClassicMembers() = default;
  ClassicMembers(const ClassicMembers&) = delete;
  ClassicMembers& operator=(const ClassicMembers&) = delete;

  [[nodiscard]] ClassicMember* find(std::string_view id) const;
  [[nodiscard]] ClassicMember* find_instance(std::string_view instance_id) const;
  /// Needs: neither its id nor its instance id is taken.
  ClassicMember& add(ClassicMember member);
  void remove(const ClassicMember& member);
  void clear();
  /// Another client takes the member's place, under the fresh id of its call, which is free.
  void replace(ClassicMember& member, const JoinCall& call);
  void set_assignment(ClassicMember& member, OwnedBytes assignment);
  /// What the member says of itself now.
  void update(ClassicMember& member, std::vector<ClassicProtocol> protocols, const JoinCall& call);

  /// Each gives back the ticket that waited until now.
  std::optional<Ticket> wait_for_join(ClassicMember& member, std::optional<Ticket> ticket);
  std::optional<Ticket> wait_for_sync(ClassicMember& member, std::optional<Ticket> ticket);
  void set_owes_sync(ClassicMember& member, bool owes);

  /// Costs nothing to speak of as long as sessions only get longer.
  void renew(ClassicMember& member, Moment expires_at);
  /// When `take_watched` has somebody at the earliest.
  [[nodiscard]] std::optional<Moment> next_watched() const;
  /// The member whose session is to be looked at first, which is not watched any more then.
  ClassicMember& take_watched();

  [[nodiscard]] std::size_t size() const { return members_.size(); }
  [[nodiscard]] bool empty() const { return members_.empty(); }
  /// What they take in memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] std::size_t joining() const { return joining_; }  ///< Who waits for the answer to a JoinGroup.
  [[nodiscard]] std::size_t syncing() const { return syncing_; }  ///< The same of SyncGroup.
  [[nodiscard]] std::size_t owing() const { return owing_; }      ///< Who has not synced yet.
  [[nodiscard]] std::chrono::milliseconds greatest_rebalance_timeout() const;

  /// Whether one of these is spoken by every member.
  [[nodiscard]] bool support_one_of(std::span<const ClassicProtocol> protocols) const;
  /// Of the protocols that every member speaks, the one that most members like best; of equals the first by name. With `changed`, as if
  /// that member said `protocols`. Nothing: they have none in common.
  [[nodiscard]] std::optional<std::string> vote(const ClassicMember* changed = nullptr,
                                                std::span<const ClassicProtocol> protocols = {}) const;

  [[nodiscard]] auto begin() { return members_.begin(); }
  [[nodiscard]] auto end() { return members_.end(); }
  [[nodiscard]] auto begin() const { return members_.begin(); }
  [[nodiscard]] auto end() const { return members_.end(); }

  /// Walks over all.
  [[nodiscard]] bool counts_are_right() const;

 private:
  using List = std::list<ClassicMember>;
  using Counts = std::map<std::string, std::size_t, std::less<>>;

  void watch(ClassicMember& member, Moment at);
  void unwatch(ClassicMember& member);
  void count(const ClassicMember& member);
  void uncount(const ClassicMember& member);

  List members_;
  /// By id: made by us with random bits, so nobody outside can aim at one bucket.
  std::unordered_map<std::string_view, List::iterator> by_id_;
  std::map<std::string, ClassicMember*, std::less<>> by_instance_;
  Counts speakers_;  ///< How many members speak each protocol.
  std::map<std::chrono::milliseconds, std::size_t> rebalance_timeouts_;
  std::set<std::tuple<Moment, std::uint64_t, ClassicMember*>> watched_;
  std::size_t joining_ = 0;
  std::size_t syncing_ = 0;
  std::size_t owing_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t next_order_ = 0;
};

/// Who was told an id and has not come with it yet. Bounded: the one that was to be forgotten first makes room.
class PendingMembers {
 public:
  static constexpr std::size_t kMost = 50000;

  void add(std::string id, Moment until);
  bool remove(std::string_view id);
  void clear();
  [[nodiscard]] bool contains(std::string_view id) const { return until_.contains(id); }
  [[nodiscard]] std::size_t size() const { return until_.size(); }
  [[nodiscard]] bool empty() const { return until_.empty(); }
  /// What they take in memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// When the first of them is to be forgotten.
  [[nodiscard]] std::optional<Moment> next() const;
  void remove_next();

 private:
  std::map<std::string, Moment, std::less<>> until_;
  std::set<std::pair<Moment, std::string_view>> in_order_;
  std::size_t bytes_ = 0;
};

/// Each name once, as it stands first.
std::vector<ClassicProtocol> without_repeats(std::span<const ClassicProtocol> protocols);

}  // namespace tidelog::broker
