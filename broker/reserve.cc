#include "broker/reserve.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>

namespace tidelog::broker {
namespace {

constexpr std::uint64_t kParts = 4;

}  // namespace

Reserve::Reserve(storage::FileSystem& files, const std::string& directory, std::uint64_t size_bytes)
    : files_(files),
      directory_(directory),
      path_(directory + "/reserve"),
      part_bytes_(size_bytes / kParts),
      size_bytes_(part_bytes_ * kParts) {
  const Result<storage::DirEntry> there = files_.stat(path_);
  if (!there || there->is_directory) return;
  if (there->size_bytes > size_bytes_) {
    static_cast<void>(files_.remove(path_).has_value());  // It was larger once.
  } else if (part_bytes_ > 0) {
    held_bytes_ = there->size_bytes / part_bytes_ * part_bytes_;
  }
}

bool Reserve::release(Use use) {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t held = held_bytes_.load();
  if (held == 0 || (use == Use::going_on && held <= part_bytes_)) return false;
  held_bytes_ = held - part_bytes_;
  auto file = files_.open(path_, storage::OpenMode::write);
  return file && (*file)->truncate(held - part_bytes_).has_value();
}

bool Reserve::restore() {
  const std::scoped_lock lock(mutex_);
  if (is_whole()) return false;
  // As much again is left free: the reserve shall not take the last bytes from those who write.
  const Result<storage::DiskSpace> space = files_.space(directory_);
  if (!space || space->usable_bytes < 2 * size_bytes_) return false;
  if (fill()) {
    held_bytes_ = size_bytes_;
    return true;
  }
  held_bytes_ = 0;
  static_cast<void>(files_.remove(path_).has_value());
  return false;
}

bool Reserve::fill() {
  // A file system that packs its files would keep zeros for nothing.
  const auto noise = std::make_unique<std::array<std::byte, 64 * 1024>>();
  std::minstd_rand numbers;
  for (std::byte& byte : *noise) byte = static_cast<std::byte>(numbers() >> 8);
  auto file = files_.open(path_, storage::OpenMode::replace);
  if (!file) return false;
  for (std::uint64_t at = 0; at < size_bytes_;) {
    const std::array<Bytes, 1> parts{Bytes(*noise).first(std::min<std::uint64_t>(noise->size(), size_bytes_ - at))};
    if (!(*file)->write_at(at, parts)) return false;
    at += parts.front().size();
  }
  return true;
}

}  // namespace tidelog::broker
