#pragma once

#include "broker/metadata/record.h"
#include "proto/base/result.h"

#include <string>

namespace tidelog::broker {

/// The record as stored: `proto/internal/metadata_records.proto`. Equal records give equal bytes.
std::string encode(const MetadataRecord& record);

/// `Errc::corrupt`: these bytes are no record. `Errc::unsupported`: a kind or a field that a later version wrote. Skipping it would
/// silently lose part of the cluster's state, so the reader must stop.
Result<MetadataRecord> decode(Bytes bytes);

}  // namespace tidelog::broker
