#include "broker/shard/disk_health.h"

namespace tidelog::broker {

void DiskHealth::note_failure() {
  has_failed_.store(true, std::memory_order_release);
  // Who comes second waits: it may end the process, and the marks have to be there by then.
  std::call_once(marking_, [this] {
    for (const std::function<void()>& mark : marks_) mark();
  });
}

Result<void> DiskHealth::sync(storage::FileSystem& files, const std::string& path) {
  const std::scoped_lock lock(syncing_);
  if (has_failed()) return Errc::offline;
  const Result<void> synced = files.sync_disk(path);
  if (!synced) note_failure();
  return synced;
}

}  // namespace tidelog::broker
