#include "tests/sim/group_scenario.h"

#include <algorithm>

namespace tidelog::sim {
namespace {

using namespace std::chrono_literals;

/// Which protocols the members of a group speak.
enum class Kind : std::uint8_t { classic, consumer, mixed };

GroupMemberPlan draw_member(Dice& dice, Kind kind) {
  GroupMemberPlan plan;
  plan.group_is_mixed = kind == Kind::mixed;
  const bool speaks_classic = dice.chance(500);
  plan.is_classic = kind == Kind::classic || (kind == Kind::mixed && speaks_classic);
  plan.is_static = dice.chance(200);
  if (plan.is_classic) plan.session = std::chrono::milliseconds(dice.between(500, 2500));
  plan.heartbeat = std::chrono::milliseconds(dice.between(50, 200));
  plan.max_poll = std::chrono::milliseconds(dice.between(1000, 3000));
  plan.commit_pause = SteadyTime(dice.between(1'000'000, 200'000'000));
  plan.longest_life = SteadyTime(dice.chance(500) ? 60s : 4s);
  plan.longest_rest = SteadyTime(dice.below(1'500'000'000));
  plan.nap_per_mille = dice.chance(300) ? dice.between(1, 15) : 0;
  return plan;
}

void draw_group(Dice dice, const std::string& name, std::vector<GroupMemberPlan>& members) {
  const Kind kind = static_cast<Kind>(dice.below(3));
  core::Assignor assignor = dice.chance(500) ? core::Assignor::range : core::Assignor::round_robin;
  if (dice.split("reads on").chance(400)) assignor = core::Assignor::cooperative_sticky;
  for (std::uint64_t left = dice.between(1, 4); left > 0; --left) {
    GroupMemberPlan member = draw_member(dice, kind);
    member.seat = static_cast<int>(members.size());
    member.group = name;
    member.assignor = assignor;
    members.push_back(std::move(member));
  }
}

}  // namespace

GroupPlan make_group_plan(std::uint64_t seed) {
  GroupPlan plan;
  plan.base = make_plan(seed);
  plan.base.has_groups = true;
  plan.base.producers.clear();
  plan.base.consumers.clear();
  const Dice dice(seed, "groups");
  Dice shape = dice.split("shape");
  // What is committed has to be taken back by something: fewer runs without a crash, and more disks that take nothing for a while.
  if (plan.base.crashes.empty())
    plan.base.crashes.push_back({.after = SteadyTime(shape.between(500'000'000, 3'000'000'000)), .kind = EndKind::power_loss});
  if (shape.chance(300) && plan.base.full_disk.empty()) {
    plan.base.full_disk.push_back({.after = SteadyTime(shape.between(300'000'000, 3'000'000'000)),
                                   .lasts = SteadyTime(shape.below(1'500'000'000)),
                                   .bytes_left = shape.below(2000)});
  }
  draw_group(dice.split(1), "alpha", plan.members);
  if (shape.chance(500)) draw_group(dice.split(2), "beta", plan.members);
  return plan;
}

std::string to_text(const GroupPlan& plan) {
  std::string text = to_text(plan.base);
  for (const GroupMemberPlan& m : plan.members) {
    text += "seat " + std::to_string(m.seat) + " of group " + m.group +
            (m.is_classic ? ": classic, " + std::string(name_of(m.assignor)) : ": consumer") + (m.is_static ? ", static" : "") +
            ", session " + std::to_string(m.session.count()) + " ms, rebalance " + std::to_string(m.max_poll.count()) + " ms, naps " +
            std::to_string(m.nap_per_mille) + " per mille\n";
  }
  return text;
}

}  // namespace tidelog::sim
