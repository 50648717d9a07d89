#pragma once

#include "storage/log/batch_header.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tidelog::storage {

/// Rounds begin at multiples of this, so that a torn write cannot hide where the next one begins.
inline constexpr std::size_t kJournalBlockBytes = 4096;
inline constexpr std::size_t kRoundHeaderBytes = 64;

/// What a round says of itself. docs/formats.md has the bytes.
struct RoundHeader {
  std::uint64_t run_id = 0;        ///< Random per start of the broker: rounds of another one do not continue this one's.
  std::uint64_t number = 0;        ///< Rises by one and is never used again, whatever the run.
  std::uint32_t previous_crc = 0;  ///< `crc` of the round before it.
  std::uint32_t payload_crc = 0;
  std::uint64_t payload_bytes = 0;
  std::uint32_t entry_count = 0;
  std::uint32_t crc = 0;  ///< Of this header.

  /// With the padding to the next block.
  [[nodiscard]] std::uint64_t frame_bytes() const {
    return (kRoundHeaderBytes + payload_bytes + kJournalBlockBytes - 1) / kJournalBlockBytes * kJournalBlockBytes;
  }
  bool operator==(const RoundHeader&) const = default;
};

/// The header at the front of `bytes`; `Errc::corrupt` unless it begins with the journal's `salt`, its CRC holds and its version is ours.
/// The payload is not looked at. The salt is secret: records lie in the journal as they were sent, and none may pass for a round.
Result<RoundHeader> decode_round_header(Bytes bytes, std::uint64_t salt);

/// A log was cut back to `end`, and its files hold all that is left. No batch of it that stands before this in the journal may come back.
struct JournalBase {
  std::uint64_t log_id = 0;
  Offset end{0};
};

enum class EntryKind : std::uint8_t {
  batch = 1,  ///< As it is stored in its segment.
  base = 2,   ///< A `JournalBase`: `base_offset` and `last_offset` are its end, and there is no batch.
};

/// What a round keeps.
struct JournalEntry {
  EntryKind kind = EntryKind::batch;
  std::uint64_t log_id = 0;
  Offset base_offset{0};
  Offset last_offset{0};
  LeaderEpoch epoch{-1};
  Bytes batch;  ///< A view into the payload.
};

/// Collects what one round keeps. Batches are referred to, not copied: they stay where they are until the round was written.
/// Thread: one at a time.
class RoundBuilder {
 public:
  /// `batch` is whole, and `header` is its header.
  void add_batch(std::uint64_t log_id, const BatchHeader& header, Bytes batch);
  void add_base(const JournalBase& base);

  [[nodiscard]] bool is_empty() const { return batches_.empty(); }
  /// What the round takes in the journal, header and padding included.
  [[nodiscard]] std::uint64_t frame_bytes() const { return RoundHeader{.payload_bytes = payload_bytes_}.frame_bytes(); }

  struct Frame {
    std::span<const Bytes> parts;  ///< Valid until the builder changes.
    std::uint32_t crc = 0;         ///< The header's, for the next round.
  };
  /// What is not in the entries.
  struct Place {
    std::uint64_t salt = 0;
    std::uint64_t run_id = 0;
    std::uint64_t number = 0;
    std::uint32_t previous_crc = 0;
  };
  /// The bytes of the round, padded to whole blocks.
  Frame finish(const Place& place);
  void clear();

 private:
  void add(const JournalEntry& entry);

  std::vector<std::byte> heads_;  ///< Of all entries, one behind the other; each goes before its batch.
  std::vector<Bytes> batches_;
  std::vector<Bytes> parts_;
  std::array<std::byte, kRoundHeaderBytes> header_{};
  std::uint64_t payload_bytes_ = 0;
};

/// Takes the payload of a round apart.
class EntryReader {
 public:
  explicit EntryReader(Bytes payload) : rest_(payload) {}
  /// The next entry; nothing at the end. `Errc::corrupt`: what follows is none.
  Result<std::optional<JournalEntry>> next();

 private:
  Bytes rest_;
};

}  // namespace tidelog::storage
