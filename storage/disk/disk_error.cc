#include "storage/disk/disk_error.h"

namespace tidelog::storage {

std::string_view describe_disk_error(Errc code) {
  switch (code) {
    case Errc::refused: return "not permitted, or the file system is read-only";
    case Errc::exists: return "something else has that name";
    default: return name(code);
  }
}

}  // namespace tidelog::storage
