#include "tests/attack/tally.h"

namespace tidelog::attack {
namespace {

constexpr std::size_t kKept = 40;

std::uint64_t& count_of(Tally::Counts& counts, Tally::Outcome outcome) {
  switch (outcome) {
    case Tally::Outcome::answered: return counts.answered;
    case Tally::Outcome::refused: return counts.refused;
    case Tally::Outcome::closed: return counts.closed;
    case Tally::Outcome::left: return counts.left;
    case Tally::Outcome::unopened: return counts.unopened;
    case Tally::Outcome::hung: break;
  }
  return counts.hung;
}

}  // namespace

void Tally::note(const std::string& family, Outcome outcome, const std::string& what) {
  const std::scoped_lock lock(mutex_);
  for (Counts* counts : {&families_[family], &all_}) {
    if (outcome != Outcome::unopened) ++counts->sent;
    ++count_of(*counts, outcome);
  }
  const std::string told = family + ": " + what;
  if (outcome == Outcome::hung && hung_.size() < kKept) hung_.emplace(told, all_.sent);
  if (outcome == Outcome::refused && (refused_.size() < kKept || refused_.contains(told))) ++refused_[told];
}

void Tally::expect(const std::string& family, Expected expected) {
  const std::scoped_lock lock(mutex_);
  expected_[family] = expected;
}

void Tally::note_unproven(const std::string& family, const std::string& why) {
  const std::scoped_lock lock(mutex_);
  unproven_.insert(family + ": " + why);
}

Tally::Counts Tally::all() const {
  const std::scoped_lock lock(mutex_);
  return all_;
}

std::map<std::string, Tally::Counts> Tally::families() const {
  const std::scoped_lock lock(mutex_);
  return families_;
}

std::map<std::string, std::uint64_t> Tally::hangs() const {
  const std::scoped_lock lock(mutex_);
  return hung_;
}

std::map<std::string, std::uint64_t> Tally::refusals() const {
  const std::scoped_lock lock(mutex_);
  return refused_;
}

std::set<std::string> Tally::unproven() const {
  const std::scoped_lock lock(mutex_);
  std::set<std::string> all = unproven_;
  for (const auto& [family, counts] : families_) {
    if (!is_most(counts.sent, counts.sent + counts.unopened)) all.insert(family + ": too few connections opened");
  }
  for (const auto& [family, expected] : expected_) {
    const auto found = families_.find(family);
    const Counts counts = found == families_.end() ? Counts{} : found->second;
    if (counts.sent == 0) all.insert(family + ": was not tried");
    if (counts.sent > 0 && counts.answered == 0 && expected == Expected::answered) all.insert(family + ": was never answered");
  }
  return all;
}

}  // namespace tidelog::attack
