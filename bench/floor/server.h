#pragma once

#include "bench/floor/answers.h"
#include "bench/floor/sink.h"
#include "proto/base/types.h"

#include <sys/uio.h>

#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace tidelog::bench {

struct FloorOptions {
  std::uint16_t port = 0;
  std::string folder;
  bool durable = false;
  std::size_t slice_bytes = 0;         ///< Records in one fetch answer.
  std::uint64_t fetch_file_bytes = 0;  ///< Size of the file that fetches walk; 0: fetches are refused.
};

/// One client of the floor.
struct FloorConnection {
  int fd = -1;
  std::vector<std::byte> in;
  std::size_t in_begin = 0;
  std::size_t in_end = 0;
  std::vector<std::byte> out;
  std::size_t out_sent = 0;
  std::size_t out_syncing = 0;   ///< Answers that the running sync will allow.
  std::size_t out_allowed = 0;   ///< Answers that may leave.
  std::uint64_t slice_at = 0;    ///< Where the next fetch reads.
  std::size_t slice_left = 0;    ///< Of the slice being sent; no request is looked at before it is gone.
  bool waits_for_space = false;  ///< The socket is full: armed for writing, not for reading.
};

/// The least a log broker must do, and nothing else: receive, checksum, write to a file, acknowledge; send file slices.
/// It takes a broker's own Produce and Fetch requests, so that one load generator measures both. What it leaves out is what a
/// broker costs: parsing, validation, offsets, indexes, topics, waiting readers.
/// Thread: one, beside the sink's.
class FloorServer {
 public:
  explicit FloorServer(const FloorOptions& options);
  /// Serves until SIGTERM or SIGINT, which the caller has blocked.
  void run();

 private:
  void listen_on_port();
  void prepare_fetch_file();
  void watch(int fd, std::uint32_t events, bool change = false);
  void on_event(int fd, std::uint32_t events);
  void accept_one();
  void serve(FloorConnection& connection, std::uint32_t events);
  void close_connection(FloorConnection& connection);
  bool read_once(FloorConnection& connection);
  bool answer_frames(FloorConnection& connection);
  bool take_frames(FloorConnection& connection);
  void take_frame(FloorConnection& connection, Bytes frame);
  void acknowledge(FloorConnection& connection, Bytes frame);
  void start_slice(FloorConnection& connection, std::int32_t correlation_id);
  bool flush(FloorConnection& connection);
  bool send_out(FloorConnection& connection, bool more);
  bool send_slice(FloorConnection& connection);
  void begin_sync_if_needed();
  void on_sync_done();

  FloorOptions options_;
  Sink sink_;
  Answers answers_;
  int epoll_ = -1;
  int listener_ = -1;
  int signals_ = -1;
  int fetch_file_ = -1;
  std::uint32_t checksums_ = 0;
  std::vector<iovec> pieces_;
  std::unordered_map<int, std::unique_ptr<FloorConnection>> connections_;
};

}  // namespace tidelog::bench
