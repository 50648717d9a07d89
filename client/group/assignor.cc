#include "client/group/assignor.h"

#include "client/group/sticky.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace tidelog::core {
namespace {

using Subscribers = std::vector<const Candidate*>;

/// Static members first, by what they are called; the others by an id that is new with each start.
void order(std::vector<Candidate>& members) {
  const auto rank = [](const Candidate& each) { return std::tuple(each.instance_id.empty(), each.instance_id, each.id); };
  std::ranges::sort(members, [&](const Candidate& a, const Candidate& b) { return rank(a) < rank(b); });
}

bool wants(const Candidate& member, const std::string& topic) {
  return std::ranges::find(member.subscription.topics, topic) != member.subscription.topics.end();
}

std::map<std::string, Subscribers> subscribers_by_topic(const std::vector<Candidate>& members) {
  std::map<std::string, Subscribers> by_topic;
  for (const Candidate& member : members) {
    const std::set<std::string> topics(member.subscription.topics.begin(), member.subscription.topics.end());
    for (const std::string& topic : topics) by_topic[topic].push_back(&member);
  }
  return by_topic;
}

std::int32_t count_of(const PartitionCounts& counts, const std::string& topic) {
  const auto found = counts.find(topic);
  return found == counts.end() ? 0 : found->second;
}

/// Of each topic neighbours go together; whoever comes first gets one more where it does not come out even.
void share_ranges(const std::vector<Candidate>& members, const PartitionCounts& counts, Assignments& into) {
  for (const auto& [topic, subscribers] : subscribers_by_topic(members)) {
    const std::int32_t count = count_of(counts, topic);
    const auto shares = static_cast<std::int32_t>(subscribers.size());
    std::int32_t next = 0;
    for (std::int32_t share = 0; share < shares; ++share) {
      const std::int32_t size = count / shares + (share < count % shares ? 1 : 0);
      for (std::int32_t i = 0; i < size; ++i) into[subscribers[static_cast<std::size_t>(share)]->id].emplace_back(topic, next++);
    }
  }
}

/// One partition after the other goes to the next member that wants it.
void deal_out(const std::vector<Candidate>& members, const PartitionCounts& counts, Assignments& into) {
  std::size_t turn = 0;
  for (const auto& [topic, subscribers] : subscribers_by_topic(members)) {
    const std::int32_t count = count_of(counts, topic);
    for (std::int32_t index = 0; index < count; ++index) {
      while (!wants(members[turn % members.size()], topic)) ++turn;
      into[members[turn++ % members.size()].id].emplace_back(topic, index);
    }
  }
}

}  // namespace

std::optional<Assignor> find_assignor(std::string_view name) {
  for (const Assignor each : {Assignor::range, Assignor::round_robin, Assignor::cooperative_sticky}) {
    if (name_of(each) == name) return each;
  }
  return std::nullopt;
}

std::string_view name_of(Assignor assignor) {
  switch (assignor) {
    case Assignor::range: return "range";
    case Assignor::round_robin: return "roundrobin";
    case Assignor::cooperative_sticky: return "cooperative-sticky";
  }
  return {};
}

bool keeps_reading(const std::vector<Assignor>& listed) {
  return !listed.empty() && std::ranges::all_of(listed, [](Assignor each) { return each == Assignor::cooperative_sticky; });
}

Assignments share_out(Assignor assignor, std::vector<Candidate> members, const PartitionCounts& counts) {
  order(members);
  Assignments assignments;
  for (const Candidate& member : members) assignments[member.id];
  switch (assignor) {
    case Assignor::range: share_ranges(members, counts, assignments); break;
    case Assignor::round_robin: deal_out(members, counts, assignments); break;
    case Assignor::cooperative_sticky: assignments = share_out_sticky(members, counts); break;
  }
  return assignments;
}

}  // namespace tidelog::core
