#include "proto/codec/consumer_protocol.h"

#include <cstdlib>

// Any bytes as what consumers of a classic group tell each other: the first byte's lowest bit chooses assignment or subscription, the rest
// is the blob. Properties: nothing is read outside the bytes; what decodes is written in as many bytes at the most, in a version there is,
// and read again as the same.

namespace {

using namespace tidelog;
using namespace tidelog::proto;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_subscription(Bytes blob) {
  const Result<ConsumerSubscription> read = decode_subscription(blob);
  if (!read) return require(read.error() == Errc::corrupt);
  require(read->version >= 0 && read->version <= kConsumerProtocolVersion);
  const OwnedBytes written = encode_subscription(*read);
  require(written.size() <= blob.size());
  const Result<ConsumerSubscription> again = decode_subscription(written);
  require(again.has_value() && *again == *read);
}

void check_assignment(Bytes blob) {
  const Result<ConsumerAssignment> read = decode_assignment(blob);
  if (!read) return require(read.error() == Errc::corrupt);
  require(read->version >= 0 && read->version <= kConsumerProtocolVersion);
  const OwnedBytes written = encode_assignment(*read);
  require(blob.empty() || written.size() <= blob.size());
  const Result<ConsumerAssignment> again = decode_assignment(written);
  require(again.has_value() && *again == *read);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes blob = std::as_bytes(std::span(data + 1, size - 1));
  if ((data[0] & 1) != 0) {
    check_assignment(blob);
  } else {
    check_subscription(blob);
  }
  return 0;
}
