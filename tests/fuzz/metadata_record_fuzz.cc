#include "broker/metadata/machine.h"

#include <cstdlib>

// Any bytes as the records of a metadata log: each record is preceded by its size in one byte, or runs to the end of the input.
// Properties: what is read is written back in as many bytes and read again as the same; applying it leaves a consistent image, whose
// snapshot makes an equal one.

namespace {

using namespace tidelog;
using namespace tidelog::broker;

void require(bool holds) {
  if (!holds) std::abort();
}

Bytes as_bytes(const std::string& text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

void check_read(const MetadataRecord& record, Bytes stored) {
  const std::string again = encode_record(record);
  require(again.size() == stored.size());
  const Result<MetadataRecord> read = decode_record(as_bytes(again));
  require(read.has_value() && *read == record);
}

void check_snapshot(const Image& image) {
  require(image.is_consistent());
  MetadataMachine rebuilt;
  require(rebuilt.apply(image.snapshot()).has_value());
  require(*rebuilt.image() == image);
  require(fingerprint(*rebuilt.image()) == fingerprint(image));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes rest{reinterpret_cast<const std::byte*>(data), size};
  MetadataMachine machine;
  while (!rest.empty()) {
    const std::size_t wanted = static_cast<std::size_t>(rest[0]);
    rest = rest.subspan(1);
    // 255 is for records that do not fit a byte: the whole rest.
    const Bytes stored = rest.first(wanted == 255 ? rest.size() : std::min(wanted, rest.size()));
    rest = rest.subspan(stored.size());
    const Result<MetadataRecord> record = decode_record(stored);
    if (!record) continue;
    check_read(*record, stored);
    const std::shared_ptr<const Image> before = machine.image();
    if (!machine.apply(*record)) require(machine.image() == before);
  }
  check_snapshot(*machine.image());
  return 0;
}
