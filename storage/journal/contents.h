#pragma once

#include "storage/journal/reader.h"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tidelog::storage {

/// A batch that was acknowledged and of which only the journal is known to hold the bytes.
struct LiveBatch {
  Offset base_offset{0};
  Offset last_offset{0};
  BatchLocation location;
  std::uint32_t size_bytes = 0;
};

/// What recovery found in the journal, by log: where the batches lie, not their bytes.
/// Thread: read-only after `load`, so any. Valid until the journal is opened for new rounds.
class JournalContents {
 public:
  JournalContents() = default;
  /// Reads the rounds from `from` on, as `read_journal` does.
  static Result<JournalContents> load(FileSystem& files, const std::string& log_dir, const Uuid& disk_id,
                                      const std::optional<JournalPosition>& from);

  [[nodiscard]] const JournalEnd& end() const { return end_; }
  /// In the order they were written; of a log that was cut back, those that came after.
  [[nodiscard]] std::span<const LiveBatch> of(std::uint64_t log_id) const;
  [[nodiscard]] std::size_t logs() const { return batches_.size(); }
  /// Reads the bytes of a batch. `corrupt`: they are not there any more.
  Result<std::vector<std::byte>> read(const LiveBatch& batch) const;

 private:
  FileSystem* files_ = nullptr;
  std::string log_dir_;
  JournalEnd end_;
  std::map<std::uint64_t, std::vector<LiveBatch>> batches_;
};

}  // namespace tidelog::storage
