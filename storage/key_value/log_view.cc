#include "storage/key_value/log_view.h"

#include "storage/disk/disk_error.h"

#include <utility>

namespace tidelog::storage {
namespace {

/// Below all keys of entries, which may not begin with a zero.
constexpr std::string_view kMarkKey{"\0applied", 8};
constexpr std::string_view kFirstEntryKey{"\1", 1};

bool is_of_entry(std::string_view key) { return key >= kFirstEntryKey; }

}  // namespace

void LogView::close() {
  store_.reset();
  mark_.reset();
  is_ready_ = false;
}

Errc LogView::failed(Errc error) {
  close();
  return error;
}

Result<ViewState> LogView::open() {
  close();
  Result<std::unique_ptr<KeyValueStore>> store = place_.open();
  if (!store) return rebuild("it cannot be opened: " + std::string(describe_disk_error(store.error())));
  store_ = std::move(*store);
  const Result<std::optional<AppliedMark>> mark = read_mark();
  if (!mark) return rebuild("how far it goes cannot be read: " + std::string(describe_disk_error(mark.error())));
  mark_ = *mark;
  if (mark_) return state();
  const Result<ScanPage> any = store_->scan({}, {.entries = 1});
  if (!any) return rebuild("it cannot be read: " + std::string(describe_disk_error(any.error())));
  if (!any->entries.empty()) return rebuild("it does not say how far it goes");
  is_ready_ = true;
  return state();
}

Result<std::optional<AppliedMark>> LogView::read_mark() {
  const Result<std::string> stored = store_->get(kMarkKey);
  if (!stored && stored.error() == Errc::not_found) return std::optional<AppliedMark>();
  if (!stored) return stored.error();
  const Result<AppliedMark> mark = decode_applied_mark(*stored);
  if (!mark) return mark.error();
  return std::optional<AppliedMark>(*mark);
}

Result<ViewState> LogView::rebuild(std::string_view why) {
  close();
  if (const Result<void> gone = place_.discard(); !gone) return gone.error();
  Result<std::unique_ptr<KeyValueStore>> store = place_.open();
  if (!store) return store.error();
  store_ = std::move(*store);
  is_ready_ = true;
  return ViewState{.mark = std::nullopt, .why_rebuilt = name_ + " is made again from its log: " + std::string(why)};
}

Result<ViewState> LogView::load(ViewReader& reader) {
  if (!store_) return Errc::closed;
  reader.restart();
  if (!mark_) return state();
  const Result<EntrySum> read = read_entries(reader);
  std::string why;
  if (!read) {
    why = "its entries cannot be read: " + std::string(describe_disk_error(read.error()));
  } else if (*read != mark_->entries) {
    why = "entries of it are gone or have changed";
  }
  if (!why.empty()) {
    reader.restart();
    return rebuild(why);
  }
  is_ready_ = true;
  return state();
}

Result<EntrySum> LogView::read_entries(ViewReader& reader) {
  EntrySum sum;
  KeyRange rest{.from = std::string(kFirstEntryKey), .to = {}};
  while (true) {
    Result<ScanPage> page = store_->scan(rest, {});
    if (!page) return page.error();
    for (const KeyValue& entry : page->entries) {
      sum.add(entry.key, entry.value);
      if (const Result<void> taken = reader.take(entry.key, entry.value); !taken) return taken.error();
    }
    if (!page->next) return sum;
    rest.from = std::move(*page->next);
  }
}

Result<void> LogView::apply(WriteBatch changes, const Progress& to) {
  if (!is_ready_) return Errc::closed;
  if (to.point.next_offset > to.high_watermark) return Errc::out_of_range;
  if (mark_ && (mark_->log_id != to.log_id || mark_->point.next_offset >= to.point.next_offset)) return Errc::invalid;
  if (!changes.empty() && !is_of_entry(changes.changes().begin()->first)) return Errc::invalid;
  const Result<EntrySum> entries = sum_after(changes);
  if (!entries) return failed(entries.error());
  const AppliedMark mark{.log_id = to.log_id, .point = to.point, .entries = *entries};
  // In the same batch (R9): a view that is ahead of what it says of itself would have its last changes made twice.
  if (const Result<void> put = changes.put(kMarkKey, encode_applied_mark(mark)); !put) return put;
  if (const Result<void> written = store_->write(changes); !written) return failed(written.error());
  mark_ = mark;
  return {};
}

Result<EntrySum> LogView::sum_after(const WriteBatch& changes) {
  EntrySum sum = mark_ ? mark_->entries : EntrySum();
  for (const auto& [key, value] : changes.changes()) {
    const Result<std::string> before = store_->get(key);
    if (!before && before.error() != Errc::not_found) return before.error();
    if (before) sum.remove(key, *before);
    if (value) sum.add(key, *value);
  }
  return sum;
}

Result<std::string> LogView::get(std::string_view key) {
  if (!is_ready_) return Errc::closed;
  if (!is_of_entry(key)) return Errc::not_found;
  Result<std::string> value = store_->get(key);
  if (!value && value.error() != Errc::not_found) return failed(value.error());
  return value;
}

Result<void> LogView::sync() {
  if (!is_ready_) return Errc::closed;
  if (const Result<void> synced = store_->sync(); !synced) return failed(synced.error());
  return {};
}

}  // namespace tidelog::storage
