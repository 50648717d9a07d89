#include "storage/disk/file_system.h"

#include <array>

namespace tidelog::storage {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_synced(FileSystem& files, const std::string& path, std::string_view contents) {
  const Result<std::unique_ptr<File>> file = files.open(path, OpenMode::replace);
  if (!file) return file.error();
  const std::array<Bytes, 1> parts{std::as_bytes(std::span(contents))};
  if (const Result<void> written = (*file)->write_at(0, parts); !written) return written.error();
  return (*file)->sync();
}

}  // namespace

Result<std::string> read_file(FileSystem& files, const std::string& path, std::uint64_t limit_bytes) {
  const Result<std::unique_ptr<File>> file = files.open(path, OpenMode::read);
  if (!file) return file.error();
  const Result<std::uint64_t> size = (*file)->size();
  if (!size) return size.error();
  if (*size > limit_bytes) return Errc::too_large;
  std::string contents(*size, '\0');
  const Result<std::size_t> got = (*file)->read_at(0, std::as_writable_bytes(std::span(contents)));
  if (!got) return got.error();
  contents.resize(*got);
  return contents;
}

Result<void> replace_file(FileSystem& files, const std::string& path, std::string_view contents) {
  const std::string beside = path + ".tmp";
  if (const Result<void> written = write_synced(files, beside, contents); !written) {
    static_cast<void>(files.remove(beside).has_value());  // What is left of it is overwritten by the next try.
    return written.error();
  }
  if (const Result<void> renamed = files.rename(beside, path); !renamed) return renamed.error();
  return files.sync_dir(parent_of(path));
}

}  // namespace tidelog::storage
