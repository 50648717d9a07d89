#pragma once

#include "storage/log/identity.h"

#include <string>

namespace tidelog::storage {

/// The contents of `partition.metadata`.
std::string encode_identity(const LogIdentity& identity);

/// The folder that holds `path`.
std::string parent_directory(const std::string& path);

}  // namespace tidelog::storage
