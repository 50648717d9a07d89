#pragma once

#include "cli/commands/commands.h"
#include "cli/offset_range.h"
#include "cli/record_sink.h"

#include <chrono>

namespace tidelog::cli {

inline constexpr std::chrono::milliseconds kPollWait{200};

/// What is to be read of each partition.
result<OffsetRange> range_of(const ConsumeOptions& options);
/// How long nothing may come before a read up to a known end has failed.
std::chrono::milliseconds patience_of(const GlobalOptions& global);
error why_nothing_comes(const consumer& from, const ConsumeOptions& options);

/// Reads what a group gives to this process.
int consume_in_group(const Command& command, client& client, RecordSink& sink);

}  // namespace tidelog::cli
