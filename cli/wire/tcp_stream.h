#pragma once

#include "cli/wire/frame_cutter.h"

#include <cstdint>
#include <vector>

namespace tidelog::cli {

/// Told what one side of a TCP connection sent, in order.
class StreamReader {
 public:
  virtual ~StreamReader() = default;
  virtual void bytes(Bytes bytes) = 0;
  /// So many bytes were sent here and not captured.
  virtual void lost(std::uint64_t count) = 0;
};

/// Puts captured segments of one direction in order: what comes again is dropped, what comes early waits for what is before it, until too
/// much waits and what is before it counts as lost.
class TcpStream {
 public:
  struct Segment {
    std::uint32_t sequence = 0;
    Bytes payload;
    std::uint32_t sent_bytes = 0;  ///< Of payload; a capture may have kept fewer.
  };

  explicit TcpStream(KeptBytes& kept) : kept_(kept) {}
  ~TcpStream();
  TcpStream(const TcpStream&) = delete;
  TcpStream& operator=(const TcpStream&) = delete;

  /// The number of the first byte that will be sent. Without it the first segment's counts.
  void begin(std::uint32_t sequence) {
    if (has_begun_) return;
    next_ = sequence;
    has_begun_ = true;
  }
  void add(const Segment& segment, StreamReader& reader);
  /// The connection is over: what waits is handed out, with what is before it lost.
  void finish(StreamReader& reader);

 private:
  static constexpr std::size_t kMostWaiting = 64, kMostWaitingBytes = 1U << 20;

  struct Waiting {
    std::uint32_t sequence;
    std::uint32_t sent_bytes;
    std::vector<std::byte> payload;
  };

  [[nodiscard]] std::int32_t distance(std::uint32_t sequence) const { return static_cast<std::int32_t>(sequence - next_); }
  void take(const Segment& segment, StreamReader& reader);
  bool wait(const Segment& segment);
  void take_waiting(StreamReader& reader);
  void jump(StreamReader& reader);
  Waiting remove(std::size_t index);
  [[nodiscard]] std::size_t nearest() const;

  KeptBytes& kept_;
  std::uint32_t next_ = 0;
  bool has_begun_ = false;
  std::vector<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0;
};

}  // namespace tidelog::cli
