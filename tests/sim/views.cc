#include "tests/sim/views.h"

#include <utility>

namespace tidelog::sim {
namespace {

void make(const storage::WriteBatch::Changes& changes, storage::MemoryStore::Entries& entries) {
  for (const auto& [key, value] : changes) {
    if (value) {
      entries[key] = *value;
    } else {
      entries.erase(key);
    }
  }
}

}  // namespace

class SimViews::Store final : public storage::KeyValueStore {
 public:
  explicit Store(Kept& kept) : kept_(kept), store_(std::make_shared<Entries>(kept.synced)) {}

  Result<std::string> get(std::string_view key) override { return store_.get(key); }
  Result<storage::ScanPage> scan(const storage::KeyRange& range, const storage::ScanLimit& limit) override {
    return store_.scan(range, limit);
  }
  Result<void> write(const storage::WriteBatch& batch) override {
    kept_.since.push_back(batch.changes());
    return store_.write(batch);
  }
  Result<void> clear() override {
    kept_ = {};
    return store_.clear();
  }
  Result<void> sync() override {
    for (const auto& changes : std::exchange(kept_.since, {})) make(changes, kept_.synced);
    return {};
  }

 private:
  Kept& kept_;
  storage::MemoryStore store_;
};

class SimViews::Place final : public storage::KeyValuePlace {
 public:
  Place(SimViews& views, std::string directory) : views_(views), directory_(std::move(directory)) {}

  bool exists() override { return views_.kept_.contains(directory_); }
  Result<std::unique_ptr<storage::KeyValueStore>> open() override {
    Kept& kept = views_.kept_[directory_];
    const std::size_t written = views_.dice_.below(kept.since.size() + 1);
    if (written < kept.since.size()) views_.world_.mark("a view lost its end");
    for (std::size_t i = 0; i < written; ++i) make(kept.since[i], kept.synced);
    kept.since.clear();
    if (!kept.synced.empty()) views_.world_.mark("a view was found");
    return std::unique_ptr<storage::KeyValueStore>(std::make_unique<Store>(kept));
  }
  Result<void> discard() override {
    views_.world_.mark("a view was thrown away");
    views_.kept_.erase(directory_);
    return {};
  }

 private:
  SimViews& views_;
  std::string directory_;
};

std::unique_ptr<storage::KeyValuePlace> SimViews::place(const std::string& directory) { return std::make_unique<Place>(*this, directory); }

}  // namespace tidelog::sim
