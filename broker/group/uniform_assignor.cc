#include "broker/group/uniform_assignor.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <set>
#include <utility>

namespace tidelog::broker {
namespace {

constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();

/// Members by what they have, and moves of partitions between them. Members of one subscription may have the same, so only the least loaded
/// of each subscription is ever a candidate.
class Balance {
 public:
  explicit Balance(const AssignmentProblem& problem)
      : problem_(problem),
        lists_(problem.members.size()),
        by_load_(problem.subscriptions.size()),
        subscribers_(problem.topic_count()),
        hints_(problem.topic_count()),
        topic_of_(problem.slot_count()),
        unasked_(problem.members.size()),
        is_queued_(problem.members.size()) {
    for (std::size_t one = 0; one < problem.subscriptions.size(); ++one) {
      for (const std::uint32_t topic : problem.subscriptions[one]) subscribers_[topic].push_back(one);
    }
    for (std::uint32_t topic = 0; topic < problem.topic_count(); ++topic) {
      std::fill(topic_of_.begin() + problem.first_slot[topic], topic_of_.begin() + problem.first_slot[topic + 1], topic);
    }
  }

  SlotLists run() && {
    keep();
    hand_out();
    even_out();
    for (std::vector<Slot>& list : lists_) std::ranges::sort(list);
    return std::move(lists_);
  }

 private:
  /// (load, member)
  using Candidate = std::pair<std::size_t, std::uint32_t>;
  /// What a subscription's least loaded was once: it has no less now.
  struct Hint {
    Candidate least;
    std::size_t subscription = 0;
    auto operator<=>(const Hint&) const = default;
  };

  /// Everybody keeps what it has; of two that were meant to have the same, the first.
  void keep() {
    is_taken_.assign(problem_.slot_count(), false);
    for (std::uint32_t member = 0; member < lists_.size(); ++member) {
      lists_[member].reserve(problem_.slot_count() / lists_.size() + 1);
      for (const Slot slot : problem_.members[member].owned) {
        if (is_taken_[slot]) continue;
        is_taken_[slot] = true;
        lists_[member].push_back(slot);
      }
      by_load_[subscription_of(member)].emplace(lists_[member].size(), member);
    }
  }

  /// What nobody has goes to whoever has least. Topics with few subscribers first: others can make up for them later.
  void hand_out() {
    std::vector<std::uint32_t> topics(problem_.topic_count());
    std::iota(topics.begin(), topics.end(), 0);
    std::vector<std::size_t> members(topics.size());
    for (const std::uint32_t topic : topics) {
      for (const std::size_t one : subscribers_[topic]) members[topic] += by_load_[one].size();
    }
    std::ranges::sort(topics, {}, [&](std::uint32_t topic) { return std::pair(members[topic], topic); });
    for (const std::uint32_t topic : topics) {
      collect_hints(topic);
      for (Slot slot = problem_.first_slot[topic]; slot < problem_.first_slot[topic + 1]; ++slot) {
        if (is_taken_[slot]) continue;
        const std::uint32_t member = least_loaded(topic).second;
        if (member == kNobody) break;
        give(member, slot);
      }
    }
  }

  /// Whoever has most gives one, until nobody can give. What one takes may let another give, hence again until nobody gave. Each move
  /// brings two members nearer to each other, so this ends; the bound is for subscriptions that were made to keep us busy.
  void even_out() {
    for (std::uint32_t topic = 0; topic < problem_.topic_count(); ++topic) collect_hints(topic);
    std::size_t moves_left = 8 * (problem_.slot_count() + lists_.size());
    for (bool has_moved = true; has_moved;) {
      has_moved = false;
      for (std::uint32_t member = 0; member < lists_.size(); ++member) enqueue(member);
      while (!donors_.empty() && moves_left > 0) {
        const std::uint32_t donor = donors_.begin()->second;
        donors_.erase(donors_.begin());
        is_queued_[donor] = false;
        if (!give_one(donor)) continue;
        has_moved = true;
        --moves_left;
      }
    }
  }

  void enqueue(std::uint32_t member) {
    is_queued_[member] = true;
    unasked_[member] = lists_[member].size();
    donors_.emplace(-std::ssize(lists_[member]), member);
  }

  /// False: whoever could take any of its partitions has as many or one fewer.
  bool give_one(std::uint32_t donor) {
    std::vector<Slot>& list = lists_[donor];
    std::uint32_t settled_topic = kNobody;
    for (std::size_t& at = unasked_[donor]; at > 0; --at) {
      const std::uint32_t topic = topic_of_[list[at - 1]];
      if (topic == settled_topic) continue;
      const auto [load, taker] = least_loaded(topic);
      if (taker == kNobody || load + 2 > list.size()) {
        settled_topic = topic;
        continue;
      }
      move(donor, --at, taker);
      return true;
    }
    return false;
  }

  void move(std::uint32_t donor, std::size_t at, std::uint32_t taker) {
    std::vector<Slot>& list = lists_[donor];
    const Slot slot = list[at];
    auto node = by_load_[subscription_of(donor)].extract({list.size(), donor});
    list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
    node.value().first = list.size();
    const bool is_least = by_load_[subscription_of(donor)].insert(std::move(node)).position == by_load_[subscription_of(donor)].begin();
    if (is_least) hint_at_less(subscription_of(donor));
    is_queued_[donor] = true;
    donors_.emplace(-std::ssize(list), donor);

    if (is_queued_[taker]) donors_.erase({-std::ssize(lists_[taker]), taker});
    give(taker, slot);
    enqueue(taker);
  }

  [[nodiscard]] std::size_t subscription_of(std::uint32_t member) const { return problem_.members[member].subscription; }

  /// Of a topic's subscribers. Loads mostly grow, so what a subscription's least was is kept, and put right only when it comes first.
  Candidate least_loaded(std::uint32_t topic) {
    std::vector<Hint>& hints = hints_[topic];
    while (!hints.empty()) {
      const Hint first = hints.front();
      const std::set<Candidate>& loads = by_load_[first.subscription];
      if (!loads.empty() && *loads.begin() == first.least) return first.least;
      std::ranges::pop_heap(hints, std::greater<>());
      hints.pop_back();
      if (!loads.empty()) hint(topic, {*loads.begin(), first.subscription});
    }
    return {std::numeric_limits<std::size_t>::max(), kNobody};
  }

  void hint(std::uint32_t topic, const Hint& hint) {
    hints_[topic].push_back(hint);
    std::ranges::push_heap(hints_[topic], std::greater<>());
  }

  /// A subscription's least became less: every topic of it must hear that. Old hints are swept out before they pile up.
  void hint_at_less(std::size_t subscription) {
    for (const std::uint32_t topic : problem_.subscriptions[subscription]) {
      if (hints_[topic].size() > 2 * subscribers_[topic].size() + 1) collect_hints(topic);
      hint(topic, {*by_load_[subscription].begin(), subscription});
    }
  }

  void collect_hints(std::uint32_t topic) {
    hints_[topic].clear();
    for (const std::size_t one : subscribers_[topic]) {
      if (!by_load_[one].empty()) hints_[topic].push_back({*by_load_[one].begin(), one});
    }
    std::ranges::make_heap(hints_[topic], std::greater<>());
  }

  void give(std::uint32_t member, Slot slot) {
    std::set<Candidate>& loads = by_load_[subscription_of(member)];
    auto node = loads.extract({lists_[member].size(), member});
    lists_[member].push_back(slot);
    node.value().first = lists_[member].size();
    loads.insert(std::move(node));
  }

  const AssignmentProblem& problem_;
  SlotLists lists_;
  std::vector<std::set<Candidate>> by_load_;           ///< For each subscription.
  std::vector<std::vector<std::size_t>> subscribers_;  ///< For each topic: subscriptions.
  std::vector<std::vector<Hint>> hints_;               ///< For each topic: heaps, the least first; each of its subscriptions in it.
  std::vector<std::uint32_t> topic_of_;                ///< For each slot.
  std::vector<bool> is_taken_;
  std::set<std::pair<std::ptrdiff_t, std::uint32_t>> donors_;  ///< (minus load, member): who may have something to give.
  std::vector<std::size_t> unasked_;                           ///< For each member: up to here in its list, nobody was asked yet.
  std::vector<bool> is_queued_;
};

}  // namespace

SlotLists assign_uniform(const AssignmentProblem& problem) {
  if (problem.members.empty()) return {};
  return Balance(problem).run();
}

}  // namespace tidelog::broker
