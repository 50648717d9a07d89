#include "storage/key_value/memory_store.h"

namespace tidelog::storage {

Result<std::string> MemoryStore::get(std::string_view key) {
  const auto found = entries_->find(key);
  if (found == entries_->end()) return Errc::not_found;
  return found->second;
}

Result<ScanPage> MemoryStore::scan(const KeyRange& range, const ScanLimit& limit) {
  if (limit.entries == 0) return Errc::invalid;
  ScanPage page;
  std::size_t bytes = 0;
  for (auto at = entries_->lower_bound(range.from); at != entries_->end(); ++at) {
    const auto& [key, value] = *at;
    if (!range.to.empty() && key >= range.to) break;
    bytes += key.size() + value.size();
    if (page.entries.size() == limit.entries || (bytes > limit.bytes && !page.entries.empty())) {
      page.next = key;
      break;
    }
    page.entries.push_back({.key = key, .value = value});
  }
  return page;
}

Result<void> MemoryStore::write(const WriteBatch& batch) {
  for (const auto& [key, value] : batch.changes()) {
    if (value) {
      entries_->insert_or_assign(key, *value);
    } else {
      entries_->erase(key);
    }
  }
  return {};
}

Result<void> MemoryStore::clear() {
  entries_->clear();
  return {};
}

}  // namespace tidelog::storage
