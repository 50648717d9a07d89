#pragma once

#include "storage/disk/file_system.h"

namespace tidelog::broker {

/// The kernel's id of this boot: another one means that the page cache of before is gone. Zero where there is none.
Uuid boot_id(storage::FileSystem& files);

}  // namespace tidelog::broker
