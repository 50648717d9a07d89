#include "storage/log/sync_ticket.h"

namespace tidelog::storage {

Result<void> SyncTicket::sync(FileSystem& file_system) const {
  for (const std::shared_ptr<File>& file : files) {
    if (const Result<void> synced = file->sync(); !synced) return synced.error();
  }
  for (const std::string& directory : directories) {
    if (const Result<void> synced = file_system.sync_dir(directory); !synced) return synced.error();
  }
  return {};
}

}  // namespace tidelog::storage
