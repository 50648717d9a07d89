// Capture files as Wireshark and dumpcap write them: blocks, each with its type, its length, what it holds and its length again. Read are
// sections (0x0a0d0d0a), interfaces (1), packets (6) and simple packets (3); what else there is, is passed over.
#include "cli/wire/capture.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tidelog::cli {
namespace {

constexpr std::uint32_t kSection = 0x0a0d0d0a, kInterface = 1, kSimplePacket = 3, kPacket = 6;
constexpr std::uint32_t kByteOrder = 0x1a2b3c4d;
constexpr std::uint32_t kBlockHeader = 8, kBlockOverhead = 12;
constexpr std::uint32_t kMostBlockBytes = 1U << 20;  ///< Of a block that has to be read as a whole.
constexpr std::size_t kMostInterfaces = 1024;
constexpr std::uint16_t kResolutionOption = 9;
constexpr std::int64_t kSecond = 1'000'000'000;

struct Interface {
  std::uint32_t link_type = 0;
  std::uint32_t snap_bytes = 0;  ///< 0: no limit.
  std::uint8_t resolution = 6;   ///< A time is so many digits behind seconds; with the high bit, binary ones.
};

std::int64_t nanoseconds(std::uint64_t time, std::uint8_t resolution) {
  const unsigned digits = resolution & 0x7fU;
  if ((resolution & 0x80U) != 0) {
    if (digits > 63) return 0;
    const std::uint64_t part = digits == 0 ? 0 : time & ((std::uint64_t{1} << digits) - 1);
    const double fraction = std::ldexp(static_cast<double>(part), -static_cast<int>(digits));
    return static_cast<std::int64_t>((time >> digits) * kSecond) + static_cast<std::int64_t>(fraction * kSecond);
  }
  for (unsigned i = digits; i > 9 && i < 32; --i) time /= 10;
  for (unsigned i = digits; i < 9; ++i) time *= 10;
  return static_cast<std::int64_t>(time);
}

class PcapngReader : public CaptureReader {
 public:
  explicit PcapngReader(ByteSource& source) : source_(source) {}

  result<std::optional<CapturedPacket>> next() override {
    source_.consume(last_);
    last_ = 0;
    while (true) {
      result<Step> step = read_block();
      if (!step) return step.error();
      if (step->is_end || step->packet) return std::move(step->packet);
    }
  }

 private:
  struct Step {
    std::optional<CapturedPacket> packet;
    bool is_end = false;
  };

  result<Step> read_block();
  result<void> begin_section();
  result<void> add_interface(Bytes body);
  result<std::optional<CapturedPacket>> read_packet(Bytes body) const;
  result<std::optional<CapturedPacket>> read_simple_packet(Bytes body) const;
  [[nodiscard]] std::uint32_t number(Bytes bytes, std::size_t at) const {
    return load_number<std::uint32_t>(bytes.data() + at, is_little_);
  }
  [[nodiscard]] std::uint16_t short_number(Bytes bytes, std::size_t at) const {
    return load_number<std::uint16_t>(bytes.data() + at, is_little_);
  }
  [[nodiscard]] error damaged(const std::string& what) const { return damaged_capture(source_.at(), what); }

  ByteSource& source_;
  bool is_little_ = false;
  std::vector<Interface> interfaces_;
  std::size_t last_ = 0;  ///< Bytes of the block whose packet was handed out last.
};

result<void> PcapngReader::begin_section() {
  if (!source_.ensure(kBlockHeader + 4)) return damaged("it ends within a section's header");
  const auto order = load_be<std::uint32_t>(source_.bytes().data() + kBlockHeader);
  if (order != kByteOrder && order != std::byteswap(kByteOrder)) return damaged("a section without a byte order");
  is_little_ = order != kByteOrder;
  interfaces_.clear();
  return {};
}

result<PcapngReader::Step> PcapngReader::read_block() {
  if (!source_.ensure(kBlockHeader)) {
    if (source_.bytes().empty()) return Step{.packet = {}, .is_end = true};
    return damaged("it ends within the header of a block");
  }
  if (load_be<std::uint32_t>(source_.bytes().data()) == kSection) {
    if (const result<void> begun = begin_section(); !begun) return begun.error();
  }
  const std::uint32_t type = number(source_.bytes(), 0);
  const std::uint32_t size = number(source_.bytes(), 4);
  if (size < kBlockOverhead || size % 4 != 0) return damaged("a block of " + std::to_string(size) + " bytes");
  if (type != kInterface && type != kPacket && type != kSimplePacket) {
    if (!source_.skip(size)) return damaged("it ends within a block");
    return Step{};
  }
  if (size > kMostBlockBytes) return damaged("a block of " + std::to_string(size) + " bytes");
  if (!source_.ensure(size)) return damaged("it ends within a block");
  const Bytes body = source_.bytes().subspan(kBlockHeader, size - kBlockOverhead);
  if (type == kInterface) {
    if (const result<void> added = add_interface(body); !added) return added.error();
    source_.consume(size);
    return Step{};
  }
  auto packet = type == kPacket ? read_packet(body) : read_simple_packet(body);
  if (!packet) return packet.error();
  last_ = size;
  return Step{.packet = *std::move(packet), .is_end = false};
}

result<void> PcapngReader::add_interface(Bytes body) {
  constexpr std::size_t kFixed = 8;
  if (body.size() < kFixed || interfaces_.size() == kMostInterfaces) return damaged("an interface that cannot be");
  Interface added{.link_type = short_number(body, 0), .snap_bytes = number(body, 4)};
  if (!is_known_link(added.link_type)) return unknown_link(added.link_type);
  for (Bytes options = body.subspan(kFixed); options.size() >= 4;) {
    const std::uint16_t code = short_number(options, 0);
    const std::size_t size = short_number(options, 2);
    options = options.subspan(4);
    if (code == 0 || size > options.size()) break;
    if (code == kResolutionOption && size == 1) added.resolution = static_cast<std::uint8_t>(options[0]);
    options = options.subspan(std::min(options.size(), (size + 3) / 4 * 4));
  }
  interfaces_.push_back(added);
  return {};
}

result<std::optional<CapturedPacket>> PcapngReader::read_packet(Bytes body) const {
  constexpr std::size_t kFixed = 20;
  if (body.size() < kFixed) return damaged("a packet block that is too short");
  const std::uint32_t index = number(body, 0);
  const std::size_t captured = number(body, 12);
  if (index >= interfaces_.size()) return damaged("a packet of interface " + std::to_string(index) + ", which is not described");
  if (captured > body.size() - kFixed) return damaged("a packet that is longer than its block");
  const std::uint64_t time = std::uint64_t{number(body, 4)} << 32 | number(body, 8);
  const Interface& from = interfaces_[index];
  return std::optional(
      CapturedPacket{.link_type = from.link_type, .time_ns = nanoseconds(time, from.resolution), .bytes = body.subspan(kFixed, captured)});
}

result<std::optional<CapturedPacket>> PcapngReader::read_simple_packet(Bytes body) const {
  constexpr std::size_t kFixed = 4;
  if (body.size() < kFixed || interfaces_.empty()) return damaged("a packet that belongs to no interface");
  const Interface& from = interfaces_.front();
  std::size_t captured = std::min<std::size_t>(number(body, 0), body.size() - kFixed);
  if (from.snap_bytes != 0) captured = std::min<std::size_t>(captured, from.snap_bytes);
  return std::optional(CapturedPacket{.link_type = from.link_type, .time_ns = {}, .bytes = body.subspan(kFixed, captured)});
}

}  // namespace

result<std::unique_ptr<CaptureReader>> open_pcapng(ByteSource& source) {
  return std::unique_ptr<CaptureReader>(std::make_unique<PcapngReader>(source));
}

}  // namespace tidelog::cli
