#pragma once

#include "storage/key_value/key_value_store.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tidelog::storage {

/// The ordered map itself, for tests, for the simulator, and for whoever wants no files. `sync` does nothing: all of it ends with the
/// process.
class MemoryStore final : public KeyValueStore {
 public:
  using Entries = std::map<std::string, std::string, std::less<>>;

  MemoryStore() = default;
  /// On a map that outlives the store, as a disk does.
  explicit MemoryStore(std::shared_ptr<Entries> entries) : entries_(std::move(entries)) {}

  Result<std::string> get(std::string_view key) override;
  Result<ScanPage> scan(const KeyRange& range, const ScanLimit& limit) override;
  Result<void> write(const WriteBatch& batch) override;
  Result<void> clear() override;
  Result<void> sync() override { return {}; }

 private:
  std::shared_ptr<Entries> entries_ = std::make_shared<Entries>();
};

}  // namespace tidelog::storage
