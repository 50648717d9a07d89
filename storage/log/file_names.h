#pragma once

#include "proto/base/types.h"

#include <optional>
#include <string>
#include <string_view>

namespace tidelog::storage {

/// File names inside a log's directory: Kafka's, except for `.cut` (what recovery took out).
inline constexpr std::string_view kLogSuffix = ".log", kIndexSuffix = ".index", kTimeIndexSuffix = ".timeindex",
                                  kSnapshotSuffix = ".snapshot", kDeletedSuffix = ".deleted", kCutSuffix = ".cut", kTempSuffix = ".tmp";
inline constexpr std::string_view kMetadataFile = "partition.metadata", kEpochFile = "leader-epoch-checkpoint",
                                  kDamageFile = "damaged-ranges";

/// `<directory>/<20 digits><suffix>`
std::string offset_file(const std::string& directory, Offset offset, std::string_view suffix);

/// The offset if `name` is 20 digits and `suffix`.
std::optional<Offset> parse_offset_file(std::string_view name, std::string_view suffix);

}  // namespace tidelog::storage
