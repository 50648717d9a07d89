#pragma once

#include "cli/logs/log_dump.h"

namespace tidelog::cli {

/// A line for each batch of a segment, and one for each record if they are shown. False: it does not consist of whole, sound batches;
/// what is not one has a line, too, and the dump goes on as long as lengths lead from batch to batch.
Result<bool> dump_segment(const storage::File& file, const DumpStyle& style, TextOut& out);

}  // namespace tidelog::cli
