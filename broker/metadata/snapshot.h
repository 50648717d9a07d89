#pragma once

#include "broker/metadata/image.h"

#include <cstdint>
#include <vector>

namespace tidelog::broker {

/// Records that make an equal image out of an empty one (but for the controller, which is no record): what a log may be cut to.
/// Equal images give equal snapshots.
std::vector<MetadataRecord> snapshot(const Image& image);

/// A hash over the snapshot. Two nodes that differ at the same offset have diverged.
std::uint64_t fingerprint(const Image& image);

}  // namespace tidelog::broker
