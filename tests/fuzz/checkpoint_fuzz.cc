#include "broker/log_dir.h"
#include "proto/base/endian.h"
#include "proto/record/crc32c.h"
#include "storage/log/leader_epochs.h"
#include "storage/log/producer_snapshot.h"
#include "storage/log/segment_index.h"
#include "tests/support/memory_files.h"

#include <algorithm>
#include <cstdlib>

// Any bytes as the small files beside a log: manifest, meta.properties, producer snapshot, leader epochs, indexes. The first byte chooses;
// what has a checksum is tried with the right one too. Properties: what is read is written back and read again as the same, and holds
// what its type promises.

namespace {

using namespace tidelog;
using namespace tidelog::storage;

void require(bool holds) {
  if (!holds) std::abort();
}

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

/// Stores the checksum of all behind `from` at `at`.
std::vector<std::byte> with_crc(Bytes given, std::size_t at, std::size_t from) {
  std::vector<std::byte> bytes(given.begin(), given.end());
  if (bytes.size() >= from) store_be<std::uint32_t>(bytes.data() + at, proto::crc32c(Bytes(bytes).subspan(from)));
  return bytes;
}

void as_manifest(Bytes bytes) {
  Result<Manifest> manifest = decode_manifest(bytes);
  if (!manifest) return;
  // What an earlier version wrote is written in the present one, which has more fields.
  const std::string again = encode_manifest(*manifest);
  require(again.size() >= bytes.size());
  Result<Manifest> read = decode_manifest(bytes_of(again));
  require(read && read->logs == manifest->logs && read->clean == manifest->clean && read->boot_id == manifest->boot_id);
  require(read->has_damage == manifest->has_damage && read->replay_from == manifest->replay_from);
  require(encode_manifest(*read) == again);
  for (const ManifestEntry& entry : read->logs) require(read->find(entry.partition) != nullptr);
}

void as_snapshot(Bytes bytes) {
  const Result<std::vector<ProducerEntry>> entries = decode_producer_snapshot(bytes);
  if (!entries) return;
  const std::string again = encode_producer_snapshot(*entries);
  require(again.size() == bytes.size());
  const auto read = decode_producer_snapshot(bytes_of(again));
  require(read && encode_producer_snapshot(*read) == again);
  constexpr std::size_t kFew = 10;
  ProducerStates states(kFew);
  for (const ProducerEntry& entry : *entries) states.load(entry);
  require(states.size() <= kFew);
  for (const ProducerEntry& entry : states.entries()) static_cast<void>(entry.batch.base_offset());
}

void as_epochs(std::string_view text) {
  Result<LeaderEpochs> epochs = LeaderEpochs::decode(text);
  if (!epochs) return;
  const auto rises = [](const LeaderEpochs::Entry& a, const LeaderEpochs::Entry& b) { return a.epoch < b.epoch && a.start < b.start; };
  for (std::size_t i = 1; i < epochs->entries().size(); ++i) require(rises(epochs->entries()[i - 1], epochs->entries()[i]));
  const Result<LeaderEpochs> again = LeaderEpochs::decode(epochs->encode());
  require(again && again->entries() == epochs->entries());
  constexpr Offset kSomewhere{1000};
  static_cast<void>(epochs->end_offset_for({5}, kSomewhere));
  epochs->truncate_from_end(kSomewhere);
  epochs->truncate_from_start({10});
  require(epochs->entries().empty() || epochs->entries().front().start >= Offset{10});
}

void as_index(Bytes bytes) {
  if (bytes.size() < 4) return;
  const std::size_t offsets_bytes = std::min<std::size_t>(load_be<std::uint16_t>(bytes.data()), bytes.size() - 4);
  const std::uint64_t segment_bytes = std::uint64_t{load_be<std::uint16_t>(bytes.data() + 2)} << 12;
  const Bytes offsets = bytes.subspan(4, offsets_bytes);
  const Bytes times = bytes.subspan(4 + offsets_bytes);
  SegmentIndex refusing(Offset{7}, 4096);
  static_cast<void>(refusing.decode(offsets, times, segment_bytes));
  // Nothing gets behind the checksum by chance.
  std::string sealed(reinterpret_cast<const char*>(times.data()), times.size());
  sealed += SegmentIndex::seal(offsets, times);
  SegmentIndex index(Offset{7}, 4096);
  if (!index.decode(offsets, bytes_of(sealed), segment_bytes)) return;
  require(std::ranges::equal(bytes_of(index.encode_offsets()), offsets));
  require(index.resume_position() < std::max<std::uint64_t>(segment_bytes, 1));
  for (const SegmentIndex::Entry& entry : index.entries()) {
    const Offset last = index.base() + entry.relative_offset;
    require(index.floor(last) != nullptr && *index.floor(last) == entry);
    require(index.floor_position(entry.position) != nullptr && *index.floor_position(entry.position) == entry);
  }
  for (const SegmentIndex::TimeEntry& time : index.times()) require(index.before(time.timestamp) != &time);
}

/// The first of both files is as long as the next two bytes say.
void as_log_dir(Bytes bytes) {
  if (bytes.size() < 2) return;
  const std::size_t first = std::min<std::size_t>(load_be<std::uint16_t>(bytes.data()), bytes.size() - 2);
  const Bytes tag = bytes.subspan(2, first), manifest = bytes.subspan(2 + first);
  testing::MemoryFiles files;
  static_cast<void>(files.make_directory("/d"));
  files.set_contents("/d/meta.properties", {tag.begin(), tag.end()});
  files.set_contents("/d/manifest", {manifest.begin(), manifest.end()});
  const auto dir = broker::LogDir::open(files, "/d", {1}, 0);
  if (!dir) return require(!dir.error().message.empty() && !dir.error().hint.empty());
  require(!(*dir)->is_new() && (*dir)->identity().node_id == 1);
  require((*dir)->manifest_state() != ManifestState::missing);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes bytes = std::as_bytes(std::span(data + 1, size - 1));
  switch (data[0] % 5) {
    case 0:
      as_manifest(bytes);
      as_manifest(with_crc(bytes, 12, 16));
      break;
    case 1:
      as_snapshot(bytes);
      as_snapshot(with_crc(bytes, 2, 6));
      break;
    case 2: as_epochs({reinterpret_cast<const char*>(data) + 1, size - 1}); break;
    case 3: as_index(bytes); break;
    default: as_log_dir(bytes); break;
  }
  return 0;
}
