#pragma once

#include "storage/key_value/memory_store.h"

#include <memory>
#include <optional>

namespace tidelog::testing {

/// Keeps a map as a disk keeps files: a store that was closed is opened again with what it had. Fails where it is told to.
class MemoryPlace final : public storage::KeyValuePlace {
 public:
  using Entries = storage::MemoryStore::Entries;

  bool exists() override { return !entries_->empty(); }
  Result<std::unique_ptr<storage::KeyValueStore>> open() override {
    ++opened_;
    if (opens_failing_ > 0) {
      --opens_failing_;
      return Errc::corrupt;
    }
    return std::unique_ptr<storage::KeyValueStore>(std::make_unique<FailingStore>(*this));
  }
  Result<void> discard() override {
    ++discarded_;
    if (discard_fails_) return Errc::io;
    entries_->clear();
    return {};
  }

  /// What is stored, behind the back of whoever has it open.
  [[nodiscard]] Entries& entries() { return *entries_; }
  void fail_opens(int count) { opens_failing_ = count; }
  void fail_discards() { discard_fails_ = true; }
  /// From now on, until the place is told otherwise.
  void fail_reads(std::optional<Errc> error) { read_error_ = error; }
  void fail_writes(std::optional<Errc> error) { write_error_ = error; }
  [[nodiscard]] int opened() const { return opened_; }
  [[nodiscard]] int discarded() const { return discarded_; }

 private:
  class FailingStore final : public storage::KeyValueStore {
   public:
    explicit FailingStore(MemoryPlace& place) : place_(place), store_(place.entries_) {}
    Result<std::string> get(std::string_view key) override {
      if (place_.read_error_) return *place_.read_error_;
      return store_.get(key);
    }
    Result<storage::ScanPage> scan(const storage::KeyRange& range, const storage::ScanLimit& limit) override {
      if (place_.read_error_) return *place_.read_error_;
      return store_.scan(range, limit);
    }
    Result<void> write(const storage::WriteBatch& batch) override {
      if (place_.write_error_) return *place_.write_error_;
      return store_.write(batch);
    }
    Result<void> clear() override { return store_.clear(); }
    Result<void> sync() override { return place_.write_error_ ? Result<void>(*place_.write_error_) : store_.sync(); }

   private:
    MemoryPlace& place_;
    storage::MemoryStore store_;
  };

  std::shared_ptr<Entries> entries_ = std::make_shared<Entries>();
  int opens_failing_ = 0;
  bool discard_fails_ = false;
  std::optional<Errc> read_error_;
  std::optional<Errc> write_error_;
  int opened_ = 0;
  int discarded_ = 0;
};

}  // namespace tidelog::testing
