#pragma once

#include "storage/disk/file_system.h"

namespace tidelog::broker {

/// The kernel's id of this boot, and in it the mount that `path` lies on: another one means that the page cache of before is gone, or may
/// be. Zero where there is none.
Uuid boot_id(storage::FileSystem& files, const std::string& path);

}  // namespace tidelog::broker
