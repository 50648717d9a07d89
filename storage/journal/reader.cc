#include "storage/journal/reader.h"

#include "proto/record/crc32c.h"
#include "storage/journal/file_header.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

namespace tidelog::storage {
namespace {

/// Whole blocks, read at once while headers are looked for.
constexpr std::size_t kChunkBytes = 1 << 20;
/// No number on disk decides how much is allocated.
constexpr std::size_t kMostFiles = 1024;

struct FoundRound {
  RoundHeader header;
  std::uint32_t file = 0;
  std::uint64_t position = 0;
};

class Reader {
 public:
  Reader(FileSystem& files, const std::string& log_dir, const Uuid& disk_id) : system_(files), log_dir_(log_dir), disk_id_(disk_id) {}

  Result<JournalEnd> run(const std::optional<JournalPosition>& from, const EntryVisitor& visit);

 private:
  Result<void> open_files();
  Result<void> find_headers();
  Result<void> find_headers(std::uint32_t number);
  Result<bool> find_headers(std::uint32_t number, std::uint64_t at, MutableBytes chunk);
  [[nodiscard]] std::optional<FoundRound> find(std::uint64_t run_id, std::uint64_t round) const;
  [[nodiscard]] std::optional<FoundRound> oldest_of_newest_run() const;
  Result<bool> load_payload(const FoundRound& round);
  bool visit_payload(const FoundRound& round, const EntryVisitor& visit) const;
  Result<JournalPosition> follow(JournalPosition at, bool knows_previous, const EntryVisitor& visit);
  [[nodiscard]] std::optional<std::uint64_t> later(const JournalPosition& at) const;
  [[nodiscard]] bool is_unreadable(const JournalPosition& at) const;
  std::string describe(const JournalPosition& at) const;

  FileSystem& system_;
  const std::string& log_dir_;
  const Uuid& disk_id_;
  JournalShape shape_{.files = 0};
  std::uint64_t salt_ = 0;
  std::vector<std::unique_ptr<File>> files_;                             ///< Null: not there, or not of this journal.
  std::map<std::pair<std::uint64_t, std::uint64_t>, FoundRound> found_;  ///< By run and number.
  std::set<std::pair<std::uint32_t, std::uint64_t>> unreadable_;         ///< Blocks that the disk does not give, by file and position.
  std::vector<std::byte> payload_;
  JournalEnd end_;
};

/// The first file that is whole says how many there are.
Result<void> Reader::open_files() {
  const Result<std::vector<DirEntry>> names = system_.list(journal_directory(log_dir_));
  if (!names && names.error() == Errc::not_found) return {};
  if (!names) return names.error();
  for (const DirEntry& entry : *names) {
    if (entry.is_directory) continue;
    Result<std::unique_ptr<File>> file = system_.open(journal_directory(log_dir_) + "/" + entry.name, OpenMode::read);
    if (!file) return file.error();
    std::array<std::byte, kJournalFileHeaderBytes> bytes;
    const Result<std::size_t> read = (*file)->read_at(0, bytes);
    if (!read) return read.error();
    const Result<JournalFileHeader> header = decode_journal_file_header(Bytes(bytes).first(*read));
    if (!header || header->disk_id != disk_id_) continue;
    if (files_.empty()) {
      shape_ = header->shape;
      salt_ = header->salt;
      files_.resize(std::min<std::size_t>(shape_.files, kMostFiles));
    }
    if (header->number < files_.size() && header->shape == shape_ && header->salt == salt_) files_[header->number] = std::move(*file);
  }
  return {};
}

/// What lies in `chunk` of a file, from `at` on. False: the file ends in it.
Result<bool> Reader::find_headers(std::uint32_t number, std::uint64_t at, MutableBytes chunk) {
  const Result<std::size_t> read = files_[number]->read_at(at, chunk);
  if (!read) return read.error();
  for (std::size_t block = 0; block + kRoundHeaderBytes <= *read; block += kJournalBlockBytes) {
    const Result<RoundHeader> header = decode_round_header(Bytes(chunk).subspan(block, kRoundHeaderBytes), salt_);
    if (header && at + block + header->frame_bytes() <= shape_.file_bytes && header->payload_bytes <= shape_.file_bytes) {
      found_.insert_or_assign({header->run_id, header->number}, FoundRound{.header = *header, .file = number, .position = at + block});
    }
  }
  return *read == chunk.size();
}

/// One block that the disk does not give hides no other.
Result<void> Reader::find_headers(std::uint32_t number) {
  std::vector<std::byte> chunk(std::min<std::uint64_t>(kChunkBytes, shape_.file_bytes));
  for (std::uint64_t at = kJournalBlockBytes; at < shape_.file_bytes; at += chunk.size()) {
    const Result<bool> goes_on = find_headers(number, at, chunk);
    if (goes_on && !*goes_on) break;
    if (goes_on) continue;
    if (goes_on.error() != Errc::io) return goes_on.error();
    const std::uint64_t end = std::min<std::uint64_t>(at + chunk.size(), shape_.file_bytes);
    for (std::uint64_t block = at; block < end; block += kJournalBlockBytes) {
      const Result<bool> found = find_headers(number, block, MutableBytes(chunk).first(kJournalBlockBytes));
      if (!found && found.error() != Errc::io) return found.error();
      if (!found) unreadable_.emplace(number, block);
    }
  }
  return {};
}

Result<void> Reader::find_headers() {
  for (std::uint32_t number = 0; number < files_.size(); ++number) {
    if (files_[number] == nullptr) continue;
    if (const Result<void> found = find_headers(number); !found) return found;
  }
  return {};
}

std::optional<FoundRound> Reader::find(std::uint64_t run_id, std::uint64_t round) const {
  const auto found = found_.find({run_id, round});
  return found == found_.end() ? std::nullopt : std::optional(found->second);
}

/// Numbers rise through all runs, so the highest is of the newest; its oldest rounds are those that nothing has written over.
std::optional<FoundRound> Reader::oldest_of_newest_run() const {
  if (found_.empty()) return std::nullopt;
  const auto newest = std::ranges::max_element(found_, {}, [](const auto& each) { return each.first.second; });
  FoundRound oldest = newest->second;
  while (const auto before = find(oldest.header.run_id, oldest.header.number - 1)) {
    if (before->header.crc != oldest.header.previous_crc) break;
    oldest = *before;
  }
  return oldest;
}

/// False: torn, damaged, or not given by the disk.
Result<bool> Reader::load_payload(const FoundRound& round) {
  payload_.resize(round.header.payload_bytes);
  const Result<std::size_t> read = files_[round.file]->read_at(round.position + kRoundHeaderBytes, payload_);
  if (!read && read.error() == Errc::io) {
    unreadable_.emplace(round.file, round.position);
    return false;
  }
  if (!read) return read.error();
  return *read == payload_.size() && proto::crc32c(payload_) == round.header.payload_crc;
}

/// All entries or, if the payload is not made of them, none.
bool Reader::visit_payload(const FoundRound& round, const EntryVisitor& visit) const {
  EntryReader counting(payload_);
  std::uint32_t count = 0;
  while (true) {
    const Result<std::optional<JournalEntry>> entry = counting.next();
    if (!entry) return false;
    if (!*entry) break;
    ++count;
  }
  if (count != round.header.entry_count) return false;
  EntryReader entries(payload_);
  for (; count > 0; --count) {
    const JournalEntry entry = **entries.next();
    const auto at = static_cast<std::uint64_t>(entry.batch.data() - payload_.data());
    visit(entry, {.file = round.file, .position = round.position + kRoundHeaderBytes + at});
  }
  return true;
}

/// The next round of this run that is there. What has a higher number was written later, when the one before was acknowledged: no lap or
/// run that is over can get in between.
std::optional<std::uint64_t> Reader::later(const JournalPosition& at) const {
  const auto later = found_.upper_bound({at.run_id, at.round});
  return later == found_.end() || later->first.first != at.run_id ? std::nullopt : std::optional(later->first.second);
}

/// Whether the disk does not give the place where the round would be: here, or in the next file if this one had no room for it.
bool Reader::is_unreadable(const JournalPosition& at) const {
  const auto next_file = static_cast<std::uint32_t>((at.file + 1) % files_.size());
  return unreadable_.contains({at.file, at.position}) || unreadable_.contains({next_file, kJournalBlockBytes});
}

std::string Reader::describe(const JournalPosition& at) const {
  return journal_file(log_dir_, at.file) + ": round " + std::to_string(at.round) + ", expected about byte " + std::to_string(at.position) +
         ", cannot be read, though later ones are there";
}

Result<JournalEnd> Reader::run(const std::optional<JournalPosition>& from, const EntryVisitor& visit) {
  if (const Result<void> opened = open_files(); !opened) return opened.error();
  if (files_.empty()) return JournalEnd{.is_missing = true, .next_round = from ? from->round : 0};
  if (const Result<void> found = find_headers(); !found) return found.error();
  for (const auto& [key, round] : found_) end_.next_round = std::max(end_.next_round, round.header.number + 1);
  if (from) end_.next_round = std::max(end_.next_round, from->round);
  JournalPosition at;
  if (from) {
    at = *from;
  } else if (const auto oldest = oldest_of_newest_run()) {
    at = {.run_id = oldest->header.run_id, .round = oldest->header.number, .file = oldest->file, .position = oldest->position};
  } else {
    return end_;
  }
  bool knows_previous = from.has_value();
  while (true) {
    const Result<JournalPosition> stop = follow(at, knows_previous, visit);
    if (!stop) return stop.error();
    // The disk may give it next time, or elsewhere: nothing is given up for it.
    if (is_unreadable(*stop)) return Errc::io;
    const std::optional<std::uint64_t> next = later(*stop);
    if (next && end_.damage.empty()) end_.damage = describe(*stop);
    if (!next) return end_;
    at = {.run_id = stop->run_id, .round = *next};
    knows_previous = false;
  }
}

/// Visits the rounds of the chain from `at` on; the position of the first that is not whole.
Result<JournalPosition> Reader::follow(JournalPosition at, bool knows_previous, const EntryVisitor& visit) {
  while (const auto round = find(at.run_id, at.round)) {
    if (knows_previous && round->header.previous_crc != at.previous_crc) break;
    at.file = round->file;
    at.position = round->position;
    const Result<bool> is_whole = load_payload(*round);
    if (!is_whole) return is_whole.error();
    if (!*is_whole || !visit_payload(*round, visit)) break;
    ++end_.rounds_read;
    knows_previous = true;
    at = {.run_id = at.run_id,
          .round = at.round + 1,
          .file = round->file,
          .position = round->position + round->header.frame_bytes(),
          .previous_crc = round->header.crc};
  }
  return at;
}

}  // namespace

Result<JournalEnd> read_journal(FileSystem& files, const JournalOwner& owner, const std::optional<JournalPosition>& from,
                                const EntryVisitor& visit) {
  return Reader(files, owner.log_dir, owner.disk_id).run(from, visit);
}

}  // namespace tidelog::storage
