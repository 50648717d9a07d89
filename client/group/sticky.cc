#include "client/group/sticky.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace tidelog::core {
namespace {

/// Members and topics go by their places in order.
using Member = std::size_t;
using Topic = std::size_t;
using Place = std::pair<Topic, std::int32_t>;

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

/// Who says that it has which partition.
class Claims {
 public:
  explicit Claims(const std::vector<Candidate>& members) {
    for (Member member = 0; member < members.size(); ++member) {
      const Subscription& said = members[member].subscription;
      for (const topic_partition& where : PartitionSet(said.owned.begin(), said.owned.end())) add(where, {member, said.generation});
    }
  }

  /// Who has it; `kNone` if that is not clear.
  [[nodiscard]] Member owner(const topic_partition& where) const {
    const auto found = newest_.find(where);
    return found == newest_.end() || found->second.is_shared ? kNone : found->second.first.member;
  }
  /// Whether somebody else may be reading it, for all that is known.
  [[nodiscard]] bool has_other(Member member, const topic_partition& where) const {
    const auto found = newest_.find(where);
    return found != newest_.end() && (found->second.is_shared || found->second.first.member != member);
  }

 private:
  using PartitionSet = std::set<topic_partition>;
  struct Claim {
    Member member = kNone;
    std::int32_t generation = -1;
  };
  struct Newest {
    Claim first;
    bool is_shared = false;  ///< Another one is as new.
  };

  void add(const topic_partition& where, Claim claim) {
    const auto [at, is_first] = newest_.emplace(where, Newest{.first = claim});
    if (is_first || claim.generation < at->second.first.generation) return;
    at->second.is_shared = claim.generation == at->second.first.generation;
    if (!at->second.is_shared) at->second.first = claim;
  }

  std::map<topic_partition, Newest> newest_;
};

/// Who has what while it is shared out.
class Table {
 public:
  Table(const std::vector<Candidate>& members, const PartitionCounts& counts);

  /// Everybody keeps what it has and still wants.
  void keep(const Claims& claims);
  /// What nobody has goes to whoever has least of those that want it.
  void hand_out();
  /// Hands partitions on, as few as possible, until nobody can have fewer by another one having more that has at least two fewer.
  void level();

  [[nodiscard]] std::vector<std::pair<Member, topic_partition>> result() const;

 private:
  struct TopicRow {
    std::string name;
    std::vector<Member> wanted_by;
    std::vector<Member> owners;   ///< By partition, at the beginning.
    std::vector<Member> holders;  ///< By partition, now.
  };
  struct MemberRow {
    std::set<Topic> wants;
    std::map<Topic, std::set<std::int32_t>> has;
    std::size_t count = 0;
  };

  void give(Place what, Member to);
  void move(Place what, Member from, Member to);
  void hand_out(Topic topic);
  bool relieve(Member from, std::vector<bool>& cannot);
  [[nodiscard]] std::vector<Member> reach(const std::vector<Member>& from, std::vector<Member>& came_from, std::vector<bool>& seen) const;
  [[nodiscard]] Place choose(Member from, Member to) const;
  [[nodiscard]] Member least_of(const std::vector<Member>& these) const;
  [[nodiscard]] Place first_that_fits(Member from, Member to, int rank) const;
  [[nodiscard]] int rank(Place what, Member from, Member to) const;

  std::vector<TopicRow> topics_;
  std::vector<MemberRow> members_;
};

Table::Table(const std::vector<Candidate>& members, const PartitionCounts& counts) : members_(members.size()) {
  std::map<std::string, std::vector<Member>> wanted_by;
  for (Member member = 0; member < members.size(); ++member) {
    const std::vector<std::string>& topics = members[member].subscription.topics;
    for (const std::string& topic : std::set<std::string>(topics.begin(), topics.end())) wanted_by[topic].push_back(member);
  }
  for (auto& [name, wanting] : wanted_by) {
    const auto count = counts.find(name);
    const std::size_t size = count == counts.end() ? 0 : static_cast<std::size_t>(count->second);
    for (const Member member : wanting) members_[member].wants.insert(topics_.size());
    const std::vector<Member> nobody(size, kNone);
    topics_.push_back({.name = name, .wanted_by = std::move(wanting), .owners = nobody, .holders = nobody});
  }
}

void Table::give(Place what, Member to) {
  topics_[what.first].holders[static_cast<std::size_t>(what.second)] = to;
  members_[to].has[what.first].insert(what.second);
  ++members_[to].count;
}

void Table::move(Place what, Member from, Member to) {
  const auto held = members_[from].has.find(what.first);
  held->second.erase(what.second);
  if (held->second.empty()) members_[from].has.erase(held);
  --members_[from].count;
  give(what, to);
}

void Table::keep(const Claims& claims) {
  for (Topic topic = 0; topic < topics_.size(); ++topic) {
    TopicRow& row = topics_[topic];
    for (std::size_t index = 0; index < row.owners.size(); ++index) {
      const auto partition = static_cast<std::int32_t>(index);
      const Member owner = claims.owner({row.name, partition});
      if (owner == kNone || !members_[owner].wants.contains(topic)) continue;
      row.owners[index] = owner;
      give({topic, partition}, owner);
    }
  }
}

void Table::hand_out() {
  for (Topic topic = 0; topic < topics_.size(); ++topic) hand_out(topic);
}

void Table::hand_out(Topic topic) {
  std::set<std::pair<std::size_t, Member>> by_count;
  for (const Member member : topics_[topic].wanted_by) by_count.emplace(members_[member].count, member);
  const std::size_t size = topics_[topic].holders.size();
  for (std::size_t index = 0; index < size; ++index) {
    if (topics_[topic].holders[index] != kNone) continue;
    const Member least = by_count.extract(by_count.begin()).value().second;
    give({topic, static_cast<std::int32_t>(index)}, least);
    by_count.emplace(members_[least].count, least);
  }
}

void Table::level() {
  std::vector<bool> cannot(members_.size(), false);  ///< Nobody they could hand something to has few enough.
  while (true) {
    Member most = kNone;
    for (Member member = 0; member < members_.size(); ++member) {
      const bool has_more = !cannot[member] && (most == kNone || members_[member].count > members_[most].count);
      if (has_more) most = member;
    }
    if (most == kNone) return;
    if (relieve(most, cannot)) cannot.assign(members_.size(), false);
  }
}

/// Shortens what `from` has by one, if somebody can have one more: directly, or each hands one on to the next. If not, neither can those
/// that it could have handed something to, for none of them has more.
bool Table::relieve(Member from, std::vector<bool>& cannot) {
  std::vector<Member> came_from(members_.size(), kNone);
  came_from[from] = from;
  std::vector<bool> seen(topics_.size(), false);
  std::vector<Member> reached{from};
  for (std::vector<Member> border{from}; !border.empty();) {
    border = reach(border, came_from, seen);
    const Member least = least_of(border);
    if (least != kNone && members_[least].count + 2 <= members_[from].count) {
      for (Member to = least; to != from; to = came_from[to]) move(choose(came_from[to], to), came_from[to], to);
      return true;
    }
    reached.insert(reached.end(), border.begin(), border.end());
  }
  for (const Member member : reached) cannot[member] = true;
  return false;
}

/// Those that want something that one of `from` has, and were not reached before.
std::vector<Member> Table::reach(const std::vector<Member>& from, std::vector<Member>& came_from, std::vector<bool>& seen) const {
  std::vector<Member> next;
  const auto visit = [&](Member giver, Topic topic) {
    for (const Member member : topics_[topic].wanted_by) {
      if (came_from[member] != kNone) continue;
      came_from[member] = giver;
      next.push_back(member);
    }
  };
  for (const Member giver : from) {
    for (const auto& [topic, partitions] : members_[giver].has) {
      if (!seen[topic]) visit(giver, topic);
      seen[topic] = true;
    }
  }
  return next;
}

Member Table::least_of(const std::vector<Member>& these) const {
  const auto least = std::ranges::min_element(these, {}, [this](Member member) { return std::pair(members_[member].count, member); });
  return least == these.end() ? kNone : *least;
}

/// Best is what goes home, next what is no more at home where it is.
Place Table::choose(Member from, Member to) const {
  Place best{kNone, 0};
  for (int wanted = 0; best.first == kNone; ++wanted) best = first_that_fits(from, to, wanted);
  return best;
}

Place Table::first_that_fits(Member from, Member to, int wanted) const {
  for (const auto& [topic, partitions] : members_[from].has) {
    if (!members_[to].wants.contains(topic)) continue;
    for (const std::int32_t partition : partitions) {
      if (rank({topic, partition}, from, to) <= wanted) return {topic, partition};
    }
  }
  return {kNone, 0};
}

int Table::rank(Place what, Member from, Member to) const {
  const Member owner = topics_[what.first].owners[static_cast<std::size_t>(what.second)];
  if (owner == to) return 0;
  return owner != from ? 1 : 2;
}

std::vector<std::pair<Member, topic_partition>> Table::result() const {
  std::vector<std::pair<Member, topic_partition>> all;
  for (const TopicRow& row : topics_) {
    for (std::size_t index = 0; index < row.holders.size(); ++index)
      all.emplace_back(row.holders[index], topic_partition(row.name, static_cast<std::int32_t>(index)));
  }
  return all;
}

}  // namespace

Assignments share_out_sticky(const std::vector<Candidate>& members, const PartitionCounts& counts) {
  const Claims claims(members);
  Table table(members, counts);
  table.keep(claims);
  table.hand_out();
  table.level();
  Assignments assignments;
  for (const Candidate& member : members) assignments[member.id];
  for (auto& [member, where] : table.result()) {
    if (!claims.has_other(member, where)) assignments[members[member].id].push_back(std::move(where));
  }
  return assignments;
}

}  // namespace tidelog::core
