#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tidelog::broker {

/// A partition as a number of its own: those of the first topic come first, in their order, then those of the second ...
using Slot = std::uint32_t;

/// Who may get which partitions. Topics and members go by their places in lists.
struct AssignmentProblem {
  struct Member {
    std::size_t subscription = 0;
    std::string_view id;
    std::string_view instance_id;  ///< Empty: none.
    std::vector<Slot> owned;       ///< What it was meant to have so far; rising, of topics it subscribes to.
  };

  std::vector<Slot> first_slot{0};                        ///< Of each topic, and one more: how many slots there are.
  std::vector<std::vector<std::uint32_t>> subscriptions;  ///< The different ones: topics, rising.
  std::vector<Member> members;                            ///< In the order of their ids.

  [[nodiscard]] std::size_t topic_count() const { return first_slot.size() - 1; }
  [[nodiscard]] std::size_t slot_count() const { return first_slot.back(); }
};

/// What each member shall have, rising; as many lists as members. Every slot of a topic that somebody subscribes to is in exactly one, of a
/// member that subscribes to it.
using SlotLists = std::vector<std::vector<Slot>>;

}  // namespace tidelog::broker
