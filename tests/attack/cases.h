#pragma once

#include "tests/attack/engine.h"
#include "tests/attack/frames.h"

#include <vector>

namespace tidelog::attack {

inline constexpr std::int32_t kTimesPartitions = 16;
inline constexpr std::int32_t kManyPartitions = 2000;

/// What the broker was told, as far as attacks are laid out by it.
struct Knowledge {
  Scene scene;
  std::string compacted_topic;
  std::string read_topic;   ///< Has records, and no case names it: the scene's own may be deleted by a request that names it.
  std::string times_topic;  ///< Of `kTimesPartitions`, which nobody else writes to.
  std::string many_topic;   ///< Of `kManyPartitions`.
  std::size_t request_max_bytes = 0;
  std::size_t message_max_bytes = 0;
};

// Each returns what is left to play of one family. All of them know no API by name: they go over what the codec knows.

/// Every request cut behind every byte, its length telling the truth about what it was: never completed.
Source held_truncations(const Knowledge& known);
/// The same, with a length that fits the piece.
Source short_truncations(const Knowledge& known);
/// 20,000,000 written over every place of every request, as a varint and as four bytes: counts, lengths, numbers of tags.
Source claimed_counts(const Knowledge& known);
/// Single bits of valid requests, their length included.
Source bit_flips(const Knowledge& known, Dice& dice, std::size_t cases);
/// Lengths of frames at their limits, and frames of exactly such a length.
Source frame_lengths(const Knowledge& known);
/// Well-formed requests full of hostile values.
Source hostile_values(const Knowledge& known, Dice& dice, std::size_t cases);
/// Frames as large as allowed, made of the smallest elements of each array.
Source swollen_requests(const Knowledge& known, std::size_t frame_bytes);
/// Small batches that decompress to much, of each codec, to a plain and to a compacted topic.
Source bombs(const Knowledge& known);
/// Batches that are broken inside and whose checksum is right all the same, of each codec, to a plain and to a compacted topic: what looks
/// behind the checksum meets them.
Source sealed_batches(const Knowledge& known, Dice& dice, std::size_t cases);
/// A sound batch of one keyed record that is a thousand times larger once it is opened, and not larger than `plain_bytes` then.
std::string bomb(std::size_t plain_bytes, std::size_t compressed_limit);
/// Other protocols' first words, unknown requests and versions.
Source greetings(const Knowledge& known);

}  // namespace tidelog::attack
