#pragma once

#include "proto/base/result.h"
#include "proto/base/types.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace tidelog::storage {

/// A place in a log between two batches, known by the batch before it. Offset and epoch alone would do where each leader has an epoch of
/// its own; a log that lost its end and grew again under the same leader is told by the checksum of the batch.
struct LogPoint {
  Offset next_offset{0};  ///< One past the batch.
  LeaderEpoch epoch{-1};
  std::uint32_t batch_crc = 0;
  bool operator==(const LogPoint&) const = default;
};

/// How many entries there are and a sum over their hashes, which goes along with each change. Whatever is lost, comes back or changes
/// unnoticed shows when the entries are counted again.
class EntrySum {
 public:
  EntrySum() = default;
  EntrySum(std::uint64_t count, std::uint64_t hashes) : count_(count), hashes_(hashes) {}

  void add(std::string_view key, std::string_view value);
  void remove(std::string_view key, std::string_view value);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t hashes() const { return hashes_; }
  bool operator==(const EntrySum&) const = default;

 private:
  std::uint64_t count_ = 0;
  std::uint64_t hashes_ = 0;
};

/// What a view says of itself, written together with each change (R9): up to where of which log it is made, and of how many entries.
struct AppliedMark {
  std::uint64_t log_id = 0;
  LogPoint point;
  EntrySum entries;
  bool operator==(const AppliedMark&) const = default;
};

/// | at | size | field | at | size | field |
/// |---|---|---|---|---|---|
/// | 0 | 1 | version, 1 | 21 | 4 | CRC of the last batch in it, as in its header |
/// | 1 | 8 | log id | 25 | 8 | number of entries |
/// | 9 | 8 | first offset that is not in it | 33 | 8 | sum of their hashes |
/// | 17 | 4 | leader epoch of the last batch in it | 41 | 4 | CRC-32C of all before |
std::string encode_applied_mark(const AppliedMark& mark);
/// `corrupt`: not what is written here; `unsupported`: another version.
Result<AppliedMark> decode_applied_mark(std::string_view bytes);

}  // namespace tidelog::storage
