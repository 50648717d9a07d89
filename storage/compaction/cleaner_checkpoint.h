#pragma once

#include "storage/compaction/plan.h"
#include "storage/log/identity.h"

namespace tidelog::storage {

/// `cleaner-checkpoint` in a log's directory: how far the log was cleaned. Not synced, and of no weight: without it, or with an older one,
/// more is cleaned again than need be. It must never say more than is true, so it is written after the swaps that it tells of are durable.
CleanedUpTo read_cleaner_checkpoint(const LogPlace& place);
Result<void> write_cleaner_checkpoint(const LogPlace& place, const CleanedUpTo& cleaned);
/// The log was cut back to `end`: what it says of more is not true any more. An error: what it says is not known.
Result<void> lower_cleaner_checkpoint(const LogPlace& place, Offset end);

std::string encode_cleaner_checkpoint(const CleanedUpTo& cleaned);
/// Anything that `encode_cleaner_checkpoint` did not write: nothing was cleaned.
CleanedUpTo decode_cleaner_checkpoint(std::string_view text);

}  // namespace tidelog::storage
