#pragma once

#include "storage/journal/journal.h"

#include <functional>
#include <optional>
#include <string>

namespace tidelog::storage {

/// How reading ended.
struct JournalEnd {
  bool is_missing = false;       ///< There are no files, or none that is whole: nothing was read.
  std::uint64_t next_round = 0;  ///< Above every round of the journal, whatever its run: for the next start.
  std::uint64_t rounds_read = 0;
  /// Not empty: a round that was acknowledged, since later ones are there, is not whole: file and position of the first such, for people.
  /// Every log whose files are not provably whole may lack records.
  std::string damage{};
};

/// Where a batch lies in the journal; of an entry without one, where it ends.
struct BatchLocation {
  std::uint32_t file = 0;
  std::uint64_t position = 0;
};

/// Called with each entry in order.
using EntryVisitor = std::function<void(const JournalEntry&, const BatchLocation&)>;

/// Follows the chain of rounds from `from` on (nothing: the manifest is lost, so the last ones of the newest run that follow each other).
/// A round that is not whole was torn if nothing of this run comes later, and then it was never acknowledged. Else it is left out, and the
/// later ones are given. A block that the disk does not give (`Errc::io`) is an error only where a round could lie that is needed. Other
/// errors are those of the file system.
Result<JournalEnd> read_journal(FileSystem& files, const JournalOwner& owner, const std::optional<JournalPosition>& from,
                                const EntryVisitor& visit);

}  // namespace tidelog::storage
