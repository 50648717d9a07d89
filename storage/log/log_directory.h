#pragma once

#include "storage/log/identity.h"

#include <vector>

namespace tidelog::storage {

/// Lists a log's directory, after carrying out the swaps and the truncation that a crash left.
Result<std::vector<DirEntry>> list_log_directory(const LogPlace& place);

}  // namespace tidelog::storage
