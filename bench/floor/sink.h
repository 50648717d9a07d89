#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace tidelog::bench {

/// The files that payloads go to, one after the other as segments do, with an optional thread that makes them durable.
/// Life: the folder exists. Thread: one; the sync thread touches nothing but the file handed to it, and reports through an eventfd.
class Sink {
 public:
  Sink(std::string folder, bool durable);
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  /// Appends all of it. The vector's content is used up.
  void write(std::vector<iovec>& pieces);

  /// Readable when a sync has ended; -1 when nothing is to be made durable.
  [[nodiscard]] int sync_event() const { return done_event_; }
  [[nodiscard]] bool durable() const { return durable_; }
  [[nodiscard]] bool syncing() const { return syncing_; }
  /// Makes durable what was written before this call. Needs `!syncing()`.
  void begin_sync();
  /// Call when `sync_event` is readable.
  void end_sync();

 private:
  void open_next();
  void sync_loop();

  std::string folder_;
  bool durable_;
  bool syncing_ = false;
  int file_ = -1;
  int file_number_ = 0;
  std::uint64_t file_bytes_ = 0;
  int start_event_ = -1;
  int done_event_ = -1;
  std::atomic<int> file_to_sync_ = -1;  ///< Below zero when the thread is told to stop.
  std::thread syncer_;
};

}  // namespace tidelog::bench
