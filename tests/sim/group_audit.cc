#include "tests/sim/group_audit.h"

#include <algorithm>

namespace tidelog::sim {
namespace {

std::string named(Reader reader) { return "reader " + std::to_string(reader.seat) + " in epoch " + std::to_string(reader.epoch); }

}  // namespace

void GroupAudit::accuse(const GroupPlace& at, const std::string& what) {
  history_.violations.push_back("group " + at.group + ", partition " + std::to_string(at.partition) + ": " + what + " (at " +
                                std::to_string(world_.now().count() / 1000) + " us)");
}

SentCommit GroupAudit::send_commit(const GroupPlace& at, Reader by) {
  Place& place = places_[at];
  const Told& told = place.told;
  const bool is_overtaken = told.reader.seat != by.seat && told.reader.epoch > by.epoch && told.at < world_.now();
  if (is_overtaken) world_.mark("a member that was overtaken commits");
  return {.at = at, .offset = ++place.sent, .by = by, .is_overtaken = is_overtaken};
}

void GroupAudit::end_commit(const SentCommit& commit, Outcome outcome) {
  Place& place = places_[commit.at];
  if (outcome == Outcome::refused) place.refused.insert(commit.offset);
  if (outcome != Outcome::acked) return;
  if (commit.is_overtaken) accuse(commit.at, named(commit.by) + " committed, though " + named(place.told.reader) + " has it");
  place.floor = std::max(place.floor, commit.offset);
  place.acknowledged_at = world_.now();
}

void GroupAudit::note_read(const GroupPlace& at, std::int64_t offset, std::int64_t floor) {
  Place& place = places_[at];
  if (offset < floor) accuse(at, std::to_string(offset) + " was read, and " + std::to_string(floor) + " had been acknowledged or read");
  if (offset > place.sent) accuse(at, std::to_string(offset) + " was read, which nobody has sent");
  if (place.refused.contains(offset)) accuse(at, std::to_string(offset) + " was read, which had been refused");
  place.floor = std::max(place.floor, offset);
}

void GroupAudit::note_told(const GroupPlace& at, Reader reader, SteadyTime asked, bool epochs_are_unique) {
  Place& place = places_[at];
  if (epochs_are_unique) {
    const auto [known, is_new] = place.by_epoch.try_emplace(reader.epoch, reader.seat);
    if (!is_new && known->second != reader.seat)
      accuse(at, named(reader) + " was given what " + std::to_string(known->second) + " was given in it");
  }
  const bool is_later = reader.epoch > place.told.reader.epoch || asked >= place.told.at;
  if (is_later && place.told.reader.epoch >= 0 && place.told.reader.seat != reader.seat) world_.mark("a partition went to another member");
  if (is_later) place.told = {.reader = reader, .at = world_.now()};
}

void GroupAudit::begin(const GroupPlace& at, int seat) {
  Place& place = places_[at];
  for (const int other : place.readers) {
    if (other != seat && may_read(other) && may_read(seat)) accuse(at, "read by " + std::to_string(other) + " and " + std::to_string(seat));
  }
  place.readers.insert(seat);
}

}  // namespace tidelog::sim
