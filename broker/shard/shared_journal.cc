#include "broker/shard/shared_journal.h"

#include "storage/log/batch_header.h"

#include <utility>

namespace tidelog::broker {
namespace {

/// Bytes are written twice through the journal, files are synced one by one without it: from this many bytes a log on, the files win.
constexpr std::uint64_t kBytesWorthASync = 256 * 1024;

/// Adds the whole batches that `bytes` is made of. False: it is not.
bool add_batches(storage::RoundBuilder& round, std::uint64_t log_id, Bytes bytes) {
  while (!bytes.empty()) {
    const Result<storage::BatchHeader> header = storage::parse_batch_header(bytes);
    if (!header || header->size_bytes > bytes.size()) return false;
    round.add_batch(log_id, *header, bytes.first(header->size_bytes));
    bytes = bytes.subspan(header->size_bytes);
  }
  return true;
}

std::uint64_t fresh_bytes(std::span<const storage::SyncTicket* const> tickets) {
  std::uint64_t bytes = 0;
  for (const storage::SyncTicket* ticket : tickets) {
    for (const storage::FreshBytes& fresh : ticket->fresh) bytes += fresh.end - fresh.begin;
  }
  return bytes;
}

}  // namespace

void SharedJournal::open(std::unique_ptr<storage::Journal> journal) {
  const std::scoped_lock lock(writing_);
  journal_ = std::move(journal);
  note_next();
  is_open_.store(true, std::memory_order_release);
}

bool SharedJournal::suits(std::size_t logs, std::uint64_t bytes) {
  if (logs < 2 || bytes >= kBytesWorthASync * logs) return false;
  if (is_open()) return true;
  if (!is_wanted()) wishes_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

/// Appended bytes are read back from the file, where they lie in the page cache: so nobody has to keep the buffers they came in.
Result<bool> SharedJournal::write(std::span<const storage::SyncTicket* const> tickets) {
  const std::scoped_lock lock(writing_);
  if (journal_ == nullptr) return false;
  release_what_may_go();
  const std::uint64_t total = fresh_bytes(tickets);
  if (!journal_->has_room(total)) return false;
  bytes_.resize(total);
  round_.clear();
  std::size_t at = 0;
  for (const storage::SyncTicket* ticket : tickets) {
    for (const storage::FreshBytes& fresh : ticket->fresh) {
      const MutableBytes into = MutableBytes(bytes_).subspan(at, fresh.end - fresh.begin);
      const Result<std::size_t> read = fresh.file->read_at(fresh.begin, into);
      if (!read || *read < into.size() || !add_batches(round_, ticket->log_id, into)) return false;
      at += into.size();
    }
  }
  return write_round();
}

Result<bool> SharedJournal::write_bases(std::span<const storage::JournalBase> bases) {
  const std::scoped_lock lock(writing_);
  if (journal_ == nullptr) return true;
  release_what_may_go();
  round_.clear();
  for (const storage::JournalBase& base : bases) round_.add_base(base);
  return write_round();
}

/// What was added to it, if there is room.
Result<bool> SharedJournal::write_round() {
  if (round_.is_empty()) return true;
  if (!journal_->has_room(round_.frame_bytes())) return false;
  if (const Result<void> written = journal_->write(round_); !written) return written.error();
  note_next();
  note_use();
  return true;
}

void SharedJournal::note_use() { is_half_full_.store(journal_->used_bytes() * 2 > journal_->capacity_bytes(), std::memory_order_relaxed); }

void SharedJournal::note_next() {
  const std::scoped_lock lock(noting_);
  next_ = journal_->next();
}

void SharedJournal::release_what_may_go() {
  const std::scoped_lock lock(noting_);
  if (released_) journal_->release(*std::exchange(released_, std::nullopt));
}

std::optional<storage::JournalPosition> SharedJournal::next() const {
  const std::scoped_lock lock(noting_);
  return next_;
}

/// The next round finds the room.
void SharedJournal::release(const storage::JournalPosition& from) {
  const std::scoped_lock lock(noting_);
  released_ = from;
  is_half_full_.store(false, std::memory_order_relaxed);
}

}  // namespace tidelog::broker
