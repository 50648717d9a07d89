#pragma once

#include "storage/key_value/memory_store.h"
#include "tests/sim/world.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tidelog::sim {

/// The views that a machine's disk keeps, as a store without a log of its own does: whoever closes one, or dies with it open, leaves all
/// that was synced, and of what was written since a front. Outlives processes.
class SimViews {
 public:
  SimViews(World& world, Dice dice) : world_(world), dice_(dice) {}
  std::unique_ptr<storage::KeyValuePlace> place(const std::string& directory);

 private:
  using Entries = storage::MemoryStore::Entries;
  struct Kept {
    Entries synced;
    std::vector<storage::WriteBatch::Changes> since;
  };
  class Store;
  class Place;

  World& world_;
  Dice dice_;
  std::map<std::string, Kept> kept_;
};

}  // namespace tidelog::sim
