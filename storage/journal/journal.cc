#include "storage/journal/journal.h"

#include "storage/journal/file_header.h"

#include <algorithm>
#include <array>

namespace tidelog::storage {
namespace {

constexpr std::uint64_t kZeroChunk = 1 << 20;

bool is_usable(const JournalShape& shape) {
  return shape.files > 0 && shape.file_bytes % kJournalBlockBytes == 0 && shape.file_bytes >= 2 * kJournalBlockBytes;
}

/// What a file that is whole says of itself.
Result<std::optional<JournalFileHeader>> header_of(const File& file) {
  const Result<std::uint64_t> size = file.size();
  if (!size) return size.error();
  std::array<std::byte, kJournalFileHeaderBytes> bytes;
  const Result<std::size_t> read = file.read_at(0, bytes);
  if (!read) return read.error();
  const Result<JournalFileHeader> header = decode_journal_file_header(Bytes(bytes).first(*read));
  const bool is_whole = header && header->shape.file_bytes == *size;
  return is_whole ? std::optional(*header) : std::nullopt;
}

Result<void> write_header(File& file, const JournalFileHeader& header) {
  const auto bytes = encode(header);
  const Bytes part(bytes);
  if (const Result<void> written = file.write_at(0, {&part, 1}); !written) return written;
  return file.sync();
}

/// Writes every byte, the header last: a file that is not whole is nobody's.
Result<void> fill(File& file, const JournalFileHeader& header) {
  if (const Result<void> emptied = file.truncate(0); !emptied) return emptied;
  const std::vector<std::byte> zeros(std::min(kZeroChunk, header.shape.file_bytes));
  for (std::uint64_t at = 0; at < header.shape.file_bytes; at += zeros.size()) {
    const Bytes part = Bytes(zeros).first(std::min<std::uint64_t>(zeros.size(), header.shape.file_bytes - at));
    if (const Result<void> written = file.write_at(at, {&part, 1}); !written) return written;
  }
  if (const Result<void> synced = file.sync(); !synced) return synced;
  return write_header(file, header);
}

/// `expected` learns the salt of the first file if that is there.
Result<std::unique_ptr<File>> open_file(FileSystem& files, const std::string& path, JournalFileHeader& expected, bool writes_again) {
  Result<std::unique_ptr<File>> file = files.open(path, OpenMode::create);
  if (!file) return file.error();
  const Result<std::optional<JournalFileHeader>> there = header_of(**file);
  if (!there) return there.error();
  JournalFileHeader wanted = expected;
  if (*there && expected.number == 0) wanted.salt = (*there)->salt;
  if (*there != wanted) {
    if (const Result<void> filled = fill(**file, expected); !filled) return filled.error();
  } else {
    expected.salt = wanted.salt;
    if (const Result<void> written = writes_again ? write_header(**file, wanted) : Result<void>(); !written) return written.error();
  }
  return file;
}

/// `header`: of the first file; gets the salt that all have.
Result<std::vector<std::unique_ptr<File>>> open_files(FileSystem& files, const std::string& log_dir, JournalFileHeader& header,
                                                      bool writes_again) {
  if (const Result<void> made = files.make_directory(journal_directory(log_dir)); !made) return made.error();
  std::vector<std::unique_ptr<File>> opened;
  for (header.number = 0; header.number < header.shape.files; ++header.number) {
    Result<std::unique_ptr<File>> file = open_file(files, journal_file(log_dir, header.number), header, writes_again);
    if (!file) return file.error();
    opened.push_back(std::move(*file));
  }
  for (const std::string& directory : {journal_directory(log_dir), log_dir}) {
    if (const Result<void> synced = files.sync_dir(directory); !synced) return synced.error();
  }
  return opened;
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(FileSystem& files, const JournalOwner& owner, JournalShape shape, Start start) {
  if (!is_usable(shape)) return Errc::invalid;
  JournalFileHeader header{.disk_id = owner.disk_id, .shape = shape, .salt = start.salt};
  Result<std::vector<std::unique_ptr<File>>> opened = open_files(files, owner.log_dir, header, start.writes_again);
  if (!opened) {
    // Half a journal would keep space that records may need.
    static_cast<void>(remove(files, owner.log_dir).has_value());
    return opened.error();
  }
  start.salt = header.salt;
  std::unique_ptr<Journal> journal(new Journal(shape, start));
  journal->files_ = std::move(*opened);
  return journal;
}

Result<void> Journal::remove(FileSystem& files, const std::string& log_dir) {
  if (const Result<void> removed = files.remove_all(journal_directory(log_dir)); !removed) return removed;
  return files.sync_dir(log_dir);
}

/// Behind the last round, or at the start of the next file if the rest of this one is too short.
std::uint64_t Journal::place_for(std::uint64_t frame_bytes) const {
  const std::uint64_t left = data_bytes() - write_at_ % data_bytes();
  return frame_bytes <= left ? write_at_ : write_at_ + left;
}

bool Journal::has_room(std::uint64_t frame_bytes) const {
  if (frame_bytes > data_bytes()) return false;
  const std::uint64_t end = place_for(frame_bytes) + frame_bytes;
  const std::uint64_t begin = live_.empty() ? write_at_ : live_.front().begin;
  return end - begin <= capacity_bytes();
}

Result<void> Journal::write(RoundBuilder& round) {
  if (failed_) return Errc::offline;
  const std::uint64_t bytes = round.frame_bytes();
  if (!has_room(bytes)) return Errc::no_space;
  const std::uint64_t place = place_for(bytes);
  const RoundBuilder::Frame frame = round.finish({.salt = salt_, .run_id = run_id_, .number = next_round_, .previous_crc = previous_crc_});
  File& file = *files_[file_of(place)];
  failed_ = true;  // Until both have ended well: half a round may be there.
  if (const Result<void> written = file.write_at(position_of(place), frame.parts); !written) return written;
  if (const Result<void> synced = file.sync(); !synced) return synced;
  failed_ = false;
  live_.push_back({.round = next_round_, .begin = place});
  ++next_round_;
  previous_crc_ = frame.crc;
  write_at_ = place + bytes;
  return {};
}

JournalPosition Journal::next() const {
  return {.run_id = run_id_,
          .round = next_round_,
          .file = file_of(write_at_),
          .position = position_of(write_at_),
          .previous_crc = previous_crc_};
}

void Journal::release(const JournalPosition& from) {
  while (!live_.empty() && live_.front().round < from.round) live_.pop_front();
}

}  // namespace tidelog::storage
