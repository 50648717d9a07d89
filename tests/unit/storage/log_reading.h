#pragma once

#include "tests/unit/storage/log_fixture.h"

#include <map>
#include <set>

namespace tidelog::testing {

/// A log as somebody with a client sees it, who asks for every offset once and believes only batches whose checksum fits.
struct LogReading {
  std::map<Offset, BatchBytes> batches;  ///< By base offset.
  std::set<Offset> refused;              ///< The log said that it cannot read them.
  std::set<Offset> disbelieved;          ///< It sent something, and the checksum did not fit.
  Offset end;

  [[nodiscard]] bool holds(Offset base, const BatchBytes& bytes) const {
    const auto found = batches.find(base);
    return found != batches.end() && found->second == bytes;
  }
  bool operator==(const LogReading&) const = default;
};

/// One slice: whole batches, of which each goes on from the one before. A client cannot know where the damaged one ends, so it asks again
/// for the next offset.
inline Offset take_slice(LogReading& reading, Bytes bytes, Offset from) {
  while (!bytes.empty()) {
    const Result<proto::BatchView> batch = proto::BatchView::parse(bytes);
    if (!batch) {
      ADD_FAILURE() << "a slice holds what is no batch, near offset " << from.value;
      return from + 1;
    }
    EXPECT_LE(batch->base_offset(), from) << "offsets were stepped over in silence";
    EXPECT_GT(batch->next_offset(), from);
    if (!batch->crc_ok()) return reading.disbelieved.insert(from), from + 1;
    const Bytes whole = batch->bytes();
    reading.batches[batch->base_offset()] = {whole.begin(), whole.end()};
    from = batch->next_offset();
    bytes = bytes.subspan(whole.size());
  }
  return from;
}

inline LogReading read_as_client(storage::Log& log, std::size_t max_bytes = 600) {
  LogReading reading{.batches = {}, .refused = {}, .disbelieved = {}, .end = log.end_offset()};
  for (Offset from = log.log_start_offset(); from < reading.end;) {
    const Result<storage::Slice> slice = log.read({.from = from, .limit = reading.end, .max_bytes = max_bytes});
    if (!slice) {
      EXPECT_EQ(slice.error(), Errc::corrupt) << from.value;
      reading.refused.insert(from);
      from = from + 1;
      continue;
    }
    EXPECT_FALSE(slice->empty()) << "nothing at offset " << from.value << ", and no error";
    if (slice->empty()) return reading;
    from = take_slice(reading, LogFixture::bytes_of(*slice), from);
  }
  return reading;
}

}  // namespace tidelog::testing
