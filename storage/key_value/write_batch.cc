#include "storage/key_value/write_batch.h"

#include <utility>

namespace tidelog::storage {
namespace {

std::size_t size_of(std::size_t key_bytes, std::size_t value_bytes) { return key_bytes + value_bytes + kChangeOverheadBytes; }

}  // namespace

Result<void> WriteBatch::put(std::string_view key, std::string_view value) { return set(key, value); }

Result<void> WriteBatch::erase(std::string_view key) { return set(key, std::nullopt); }

Result<void> WriteBatch::set(std::string_view key, std::optional<std::string_view> value) {
  const std::size_t value_bytes = value ? value->size() : 0;
  if (key.empty()) return Errc::invalid;
  if (key.size() > kMaxKeyBytes || value_bytes > kMaxValueBytes) return Errc::too_large;
  const auto there = changes_.find(key);
  const std::size_t freed = there == changes_.end() ? 0 : size_of(key.size(), there->second ? there->second->size() : 0);
  const std::size_t size = size_bytes_ - freed + size_of(key.size(), value_bytes);
  if (size > kMaxWriteBatchBytes) return Errc::too_large;
  std::optional<std::string> stored;
  if (value) stored.emplace(*value);
  if (there == changes_.end()) {
    changes_.emplace(key, std::move(stored));
  } else {
    there->second = std::move(stored);
  }
  size_bytes_ = size;
  return {};
}

}  // namespace tidelog::storage
