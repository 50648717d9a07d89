#include "storage/journal/contents.h"

#include "storage/journal/file_header.h"

namespace tidelog::storage {

Result<JournalContents> JournalContents::load(FileSystem& files, const std::string& log_dir, const Uuid& disk_id,
                                              const std::optional<JournalPosition>& from) {
  JournalContents contents;
  contents.files_ = &files;
  contents.log_dir_ = log_dir;
  const auto add = [&](const JournalEntry& entry, const BatchLocation& location) {
    if (entry.kind == EntryKind::base) {
      contents.batches_.erase(entry.log_id);
      return;
    }
    std::vector<LiveBatch>& batches = contents.batches_[entry.log_id];
    // Offsets rise but where the log was cut back, and the base that says so may stand in a round that is damaged.
    while (!batches.empty() && batches.back().last_offset >= entry.base_offset) batches.pop_back();
    batches.push_back({.base_offset = entry.base_offset,
                       .last_offset = entry.last_offset,
                       .location = location,
                       .size_bytes = static_cast<std::uint32_t>(entry.batch.size())});
  };
  Result<JournalEnd> end = read_journal(files, {.log_dir = log_dir, .disk_id = disk_id}, from, add);
  if (!end) return end.error();
  contents.end_ = std::move(*end);
  return contents;
}

std::span<const LiveBatch> JournalContents::of(std::uint64_t log_id) const {
  const auto found = batches_.find(log_id);
  return found == batches_.end() ? std::span<const LiveBatch>() : std::span<const LiveBatch>(found->second);
}

Result<std::vector<std::byte>> JournalContents::read(const LiveBatch& batch) const {
  const Result<std::unique_ptr<File>> file = files_->open(journal_file(log_dir_, batch.location.file), OpenMode::read);
  if (!file) return file.error();
  std::vector<std::byte> bytes(batch.size_bytes);
  const Result<std::size_t> read = (*file)->read_at(batch.location.position, bytes);
  if (!read) return read.error();
  if (*read < bytes.size()) return Errc::corrupt;
  return bytes;
}

}  // namespace tidelog::storage
