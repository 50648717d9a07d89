#pragma once

#include "storage/journal/journal.h"

#include <array>
#include <string>

namespace tidelog::storage {

/// The first block of a journal file: whose it is. docs/formats.md has the bytes.
struct JournalFileHeader {
  Uuid disk_id;
  std::uint32_t number = 0;
  JournalShape shape;
  std::uint64_t salt = 0;  ///< Of all files alike: what headers of rounds begin with.
  bool operator==(const JournalFileHeader&) const = default;
};

inline constexpr std::size_t kJournalFileHeaderBytes = 56;

std::array<std::byte, kJournalFileHeaderBytes> encode(const JournalFileHeader& header);
/// `Errc::corrupt` for anything that `encode` did not write.
Result<JournalFileHeader> decode_journal_file_header(Bytes bytes);

std::string journal_directory(const std::string& log_dir);
std::string journal_file(const std::string& log_dir, std::uint32_t number);

}  // namespace tidelog::storage
