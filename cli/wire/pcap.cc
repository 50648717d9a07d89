// Capture files as tcpdump writes them: a header of 24 bytes, then for each packet a header of 16 and its bytes.
// | file header                  | packet header            |
// |  0 magic: byte order, µs/ns  |  0 seconds u32           |
// |  4 version u16, u16          |  4 µs or ns u32          |
// |  8 two numbers nobody uses   |  8 captured bytes u32    |
// | 16 longest packet u32        | 12 sent bytes u32        |
// | 20 link type u32             | 16 the bytes             |
#include "cli/wire/capture.h"

namespace tidelog::cli {
namespace {

constexpr std::size_t kFileHeader = 24, kPacketHeader = 16;
constexpr std::uint32_t kMicroseconds = 0xa1b2c3d4, kNanoseconds = 0xa1b23c4d;
constexpr std::uint32_t kLinkTypeMask = 0x0fff'ffff;  ///< Above stand the bytes of a checksum, if any.

class PcapReader : public CaptureReader {
 public:
  PcapReader(ByteSource& source, std::uint32_t link_type, bool is_little, bool has_nanoseconds)
      : source_(source), link_type_(link_type), is_little_(is_little), nanoseconds_(has_nanoseconds ? 1 : 1'000) {}

  result<std::optional<CapturedPacket>> next() override {
    using Next = std::optional<CapturedPacket>;
    source_.consume(last_);
    last_ = 0;
    if (!source_.ensure(kPacketHeader)) {
      if (source_.bytes().empty()) return Next();
      return damaged_capture(source_.at(), "it ends within the header of a packet");
    }
    const std::uint32_t captured = number(8);
    if (captured > kMostPacketBytes) return damaged_capture(source_.at(), "a packet of " + std::to_string(captured) + " bytes");
    const std::int64_t time_ns = std::int64_t{number(0)} * 1'000'000'000 + std::int64_t{number(4)} * nanoseconds_;
    if (!source_.ensure(kPacketHeader + captured)) return damaged_capture(source_.at(), "it ends within a packet");
    last_ = kPacketHeader + captured;
    return Next(CapturedPacket{.link_type = link_type_, .time_ns = time_ns, .bytes = source_.bytes().subspan(kPacketHeader, captured)});
  }

 private:
  [[nodiscard]] std::uint32_t number(std::size_t at) const { return load_number<std::uint32_t>(source_.bytes().data() + at, is_little_); }

  ByteSource& source_;
  std::uint32_t link_type_;
  bool is_little_;
  std::int64_t nanoseconds_;  ///< In a unit of its times.
  std::size_t last_ = 0;      ///< Bytes of the packet handed out last, which stay until the next is asked for.
};

}  // namespace

result<std::unique_ptr<CaptureReader>> open_pcap(ByteSource& source) {
  if (!source.ensure(kFileHeader)) return damaged_capture(0, "it ends within its header");
  const std::byte* header = source.bytes().data();
  const auto magic = load_be<std::uint32_t>(header);
  const bool is_little = magic != kMicroseconds && magic != kNanoseconds;
  const bool has_nanoseconds = load_number<std::uint32_t>(header, is_little) == kNanoseconds;
  const std::uint32_t link_type = load_number<std::uint32_t>(header + 20, is_little) & kLinkTypeMask;
  if (!is_known_link(link_type)) return unknown_link(link_type);
  source.consume(kFileHeader);
  return std::unique_ptr<CaptureReader>(std::make_unique<PcapReader>(source, link_type, is_little, has_nanoseconds));
}

}  // namespace tidelog::cli
