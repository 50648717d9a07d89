#include "storage/compaction/offset_map.h"

#include "proto/base/check.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace tidelog::storage {
namespace {

constexpr std::size_t kTagBytes = 10;
constexpr double kLeastLoad = 0.05, kMostLoad = 0.95;  // A full table could not be searched to an end.
constexpr std::uint32_t kHighest = std::numeric_limits<std::uint32_t>::max();

/// What a slot holds behind its tag: the offset above the base plus 1. 0: the slot is free.
std::uint32_t load_mark(const std::byte* slot) {
  std::uint32_t mark = 0;
  std::memcpy(&mark, slot + kTagBytes, sizeof mark);
  return mark;
}

void store_mark(std::byte* slot, std::uint32_t mark) { std::memcpy(slot + kTagBytes, &mark, sizeof mark); }

std::size_t slots_for(std::size_t budget_bytes, std::uint64_t most_keys, double load) {
  const std::size_t affordable = budget_bytes / OffsetMap::kSlotBytes;
  const double needed = std::ceil(static_cast<double>(std::min<std::uint64_t>(most_keys, affordable)) / load) + 1;
  return std::max<std::size_t>(2, std::min(affordable, static_cast<std::size_t>(needed)));
}

}  // namespace

struct OffsetMap::Tag {
  std::byte bytes[kTagBytes];

  explicit Tag(const Hash128& hash) {
    std::memcpy(bytes, &hash.low, sizeof hash.low);
    const auto rest = static_cast<std::uint16_t>(hash.high);
    std::memcpy(bytes + sizeof hash.low, &rest, sizeof rest);
  }
};

struct OffsetMap::Place {
  std::byte* slot;
  Tag tag;
};

void OffsetMap::Free::operator()(std::byte* memory) const { std::free(memory); }

OffsetMap::OffsetMap(std::size_t budget_bytes, std::uint64_t most_keys, double load_factor, const HashSecret& secret) : secret_(secret) {
  const double load = std::isfinite(load_factor) ? std::clamp(load_factor, kLeastLoad, kMostLoad) : kMostLoad;
  slots_ = slots_for(budget_bytes, most_keys, load);
  most_ = std::clamp<std::size_t>(static_cast<std::size_t>(static_cast<double>(slots_) * load), 1, slots_ - 1);
  // Zeroed by the system when it is first touched, not here.
  table_.reset(static_cast<std::byte*>(std::calloc(slots_, kSlotBytes)));
  CHECK(table_ != nullptr);
}

void OffsetMap::reset(Offset base) {
  if (size_ > 0) std::memset(table_.get(), 0, slots_ * kSlotBytes);
  base_ = base;
  size_ = 0;
}

/// The slot of the key, or the free one where it would go.
OffsetMap::Place OffsetMap::locate(Bytes key) const {
  const Hash128 hash = sip_hash(secret_, key);
  // The upper 48 bits choose the slot; the tag has the rest, so that the two know nothing of each other.
  const auto home = static_cast<std::size_t>((static_cast<unsigned __int128>(hash.high >> 16) * slots_) >> 48);
  Place place{.slot = table_.get() + home * kSlotBytes, .tag = Tag(hash)};
  const std::byte* const end = table_.get() + slots_ * kSlotBytes;
  while (load_mark(place.slot) != 0 && std::memcmp(place.slot, place.tag.bytes, kTagBytes) != 0) {
    place.slot += kSlotBytes;
    if (place.slot == end) place.slot = table_.get();
  }
  return place;
}

bool OffsetMap::put(Bytes key, Offset offset) {
  DCHECK(offset >= base_);
  const auto above = static_cast<std::uint64_t>(offset - base_);
  if (above >= kHighest) return false;
  const Place place = locate(key);
  if (load_mark(place.slot) == 0) {
    if (size_ == most_) return false;
    std::memcpy(place.slot, place.tag.bytes, kTagBytes);
    ++size_;
  }
  store_mark(place.slot, static_cast<std::uint32_t>(above) + 1);
  return true;
}

std::optional<Offset> OffsetMap::find(Bytes key) const {
  if (size_ == 0) return std::nullopt;
  const std::uint32_t mark = load_mark(locate(key).slot);
  if (mark == 0) return std::nullopt;
  return base_ + static_cast<std::int64_t>(mark - 1);
}

}  // namespace tidelog::storage
