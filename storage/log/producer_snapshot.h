#pragma once

#include "storage/log/producer_state.h"

#include <span>
#include <string>
#include <vector>

namespace tidelog::storage {

/// The contents of a `<offset>.snapshot` file: Kafka's format, version 1. Several entries of one producer stand oldest first, so that
/// Kafka's reader, which keeps one, keeps the last.
std::string encode_producer_snapshot(std::span<const ProducerEntry> entries);

/// `Errc::corrupt` if length or CRC do not fit, `Errc::unsupported` for another version.
Result<std::vector<ProducerEntry>> decode_producer_snapshot(Bytes bytes);

}  // namespace tidelog::storage
