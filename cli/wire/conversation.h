#pragma once

#include "cli/wire/frame_cutter.h"
#include "cli/wire/frame_printer.h"

#include <array>
#include <deque>
#include <unordered_map>

namespace tidelog::cli {

/// What was met, for the last line and the exit code.
struct WireTally {
  std::uint64_t frames = 0;
  std::uint64_t unknown = 0;         ///< Frames that nothing here can read.
  std::uint64_t failed = 0;          ///< Frames that do not decode.
  std::uint64_t broken_streams = 0;  ///< Followed no further.
  std::uint64_t connections = 0;
  std::uint64_t other_connections = 0;  ///< That do not speak Kafka.
  std::uint64_t lost_bytes = 0;         ///< That the capture does not have.

  void count(Decoded outcome) {
    ++frames;
    if (outcome == Decoded::unknown) ++unknown;
    if (outcome == Decoded::failed) ++failed;
  }
};

/// What all connections of a capture share.
struct WireOutput {
  FramePrinter& printer;
  KeptBytes& kept;
  WireTally& tally;
};

/// Both directions of one connection: requests from one side, and the responses by what they answer. A stream that was joined midway or
/// lost bytes is taken up again where a piece looks like the beginning of a frame.
/// Invariant: keeps at most `kMostInFlight` requests that no response came for.
class Conversation {
 public:
  /// The names of the two sides, for the printer.
  Conversation(std::array<std::string, 2> names, WireOutput output);

  /// The connection's first packet was seen: it came from `side`, and nothing is missing before what comes now.
  void begin(std::size_t client_side);
  /// The next bytes that `side` sent.
  void bytes(std::size_t side, Bytes bytes, std::optional<std::int64_t> time_ns);
  /// Bytes that `side` sent and nobody captured.
  void lost(std::size_t side, std::uint64_t count, std::optional<std::int64_t> time_ns);
  void finish();

 private:
  static constexpr std::size_t kMostInFlight = 1024;

  struct Side {
    explicit Side(KeptBytes& kept) : cutter(kept) {}
    FrameCutter cutter;
    bool is_followed = false;
  };

  [[nodiscard]] FrameOrigin origin(std::size_t side, std::optional<std::int64_t> time_ns) const {
    return {.from = names_[side], .to = names_[1 - side], .time_ns = time_ns};
  }
  [[nodiscard]] bool begins_frame(std::size_t side, Bytes bytes) const;
  void frame(std::size_t side, const CutFrame& frame, std::optional<std::int64_t> time_ns);
  void remember(const Asked& asked);
  std::optional<Asked> asked_by(const CutFrame& response);
  void give_up(std::size_t side, const std::string& why);
  void finish_side(std::size_t side);

  std::array<std::string, 2> names_;
  WireOutput output_;
  std::array<Side, 2> sides_;
  std::optional<std::size_t> client_side_;
  bool has_bytes_ = false;
  bool has_spoken_ = false;  ///< A frame of it was printed.
  bool is_given_up_ = false;
  std::unordered_map<std::int32_t, Asked> in_flight_;  ///< By correlation id.
  std::deque<std::int32_t> in_flight_order_;           ///< May name some that were answered.
};

}  // namespace tidelog::cli
