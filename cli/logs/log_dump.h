#pragma once

#include "cli/wire/text_out.h"
#include "storage/disk/file_system.h"

#include <string>

namespace tidelog::cli {

/// What a dump shows, and how.
struct DumpStyle {
  bool is_json = false;
  bool shows_records = false;
};

/// What came of it.
enum class Dumped : std::uint8_t {
  whole,
  damaged,  ///< Something in it cannot be read; said where it stands.
  unknown,  ///< It is no file of a log.
  unreadable,
};

/// Whether a name is that of a file that `dump_file` knows.
bool is_dumpable(std::string_view name);

/// Prints a file of a log directory, told by its name, a line for each thing in it. Opens it for reading only.
Dumped dump_file(storage::FileSystem& files, const std::string& path, const DumpStyle& style, TextOut& out);

}  // namespace tidelog::cli
