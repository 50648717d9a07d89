#pragma once

#include "tests/sim/history.h"
#include "tests/sim/world.h"

#include <set>

namespace tidelog::sim {

/// A partition as one group reads it.
struct GroupPlace {
  std::string group;
  int partition = 0;
  auto operator<=>(const GroupPlace&) const = default;
};

/// Who reads: one of the processes of a run. It keeps its seat when it starts anew, as another member.
struct Reader {
  int seat = 0;
  std::int32_t epoch = -1;  ///< Its generation, or member epoch.
};

/// One offset on its way. Each commit for a place has a higher one than those before it.
struct SentCommit {
  GroupPlace at;
  std::int64_t offset = 0;
  Reader by;
  bool is_overtaken = false;  ///< When it was sent, somebody had been told to read it in a later epoch.
};

/// What members of groups were told, held against what they may rely on:
/// - a commit that was acknowledged, or that somebody has read, is never taken back, and one that was refused is never read;
/// - nobody is told to read what another one was told to read in the same epoch, nor begins while another one still may;
/// - who was overtaken by a later epoch commits nothing any more.
class GroupAudit {
 public:
  GroupAudit(World& world, History& history) : world_(world), history_(history) {}

  SentCommit send_commit(const GroupPlace& at, Reader by);
  void end_commit(const SentCommit& commit, Outcome outcome);
  /// What a read that is sent now has to find, or something later.
  [[nodiscard]] std::int64_t floor(const GroupPlace& at) { return places_[at].floor; }
  /// -1: nothing is committed.
  void note_read(const GroupPlace& at, std::int64_t offset, std::int64_t floor);

  /// Somebody was told to read it, when it asked at `asked`. Groups of both protocols begin their epochs anew when they are empty:
  /// `epochs_are_unique` is false then.
  void note_told(const GroupPlace& at, Reader reader, SteadyTime asked, bool epochs_are_unique);
  /// It begins to, and ends.
  void begin(const GroupPlace& at, int seat);
  void end(const GroupPlace& at, int seat) { places_[at].readers.erase(seat); }
  /// Nobody may take from this seat what it has before `until`.
  void may_read_until(int seat, SteadyTime until) { rights_[seat] = until; }
  [[nodiscard]] bool may_read(int seat) { return world_.now() < rights_[seat]; }

  /// When a commit for it was acknowledged last.
  [[nodiscard]] SteadyTime acknowledged_at(const GroupPlace& at) { return places_[at].acknowledged_at; }
  void accuse(const GroupPlace& at, const std::string& what);

 private:
  struct Told {
    Reader reader;
    SteadyTime at{};
  };
  struct Place {
    std::int64_t sent = 0;
    std::int64_t floor = -1;
    std::set<std::int64_t> refused;
    std::set<int> readers;
    Told told;
    std::map<std::int32_t, int> by_epoch;
    SteadyTime acknowledged_at{-1};
  };

  World& world_;
  History& history_;
  std::map<GroupPlace, Place> places_;
  std::map<int, SteadyTime> rights_;
};

}  // namespace tidelog::sim
