#include "tests/attack/caller.h"

#include "proto/base/endian.h"

namespace tidelog::attack {
namespace {

constexpr std::size_t kKeptComplaints = 10;
/// A larger request may have to wait that long for memory, until those that hold it with requests they do not finish are closed
/// (queued.max.request.bytes in docs/limits.md).
constexpr std::size_t kSmallRequestBytes = 64 << 10;
constexpr Milliseconds kMemoryWait{1000};

}  // namespace

bool Caller::fail(const std::string& why) {
  ++failures_;
  const std::chrono::duration<double> since = Clock::now() - began_;
  if (complaints_.size() < kKeptComplaints) complaints_.push_back("after " + std::to_string(since.count()) + " s, " + why);
  socket_ = Socket();
  rest_.clear();
  return false;
}

bool Caller::exchange(const std::string& request, std::int32_t correlation, const std::string& what) {
  ++requests_;
  const Clock::time_point began = Clock::now();
  const Milliseconds bound = request.size() > kSmallRequestBytes ? bound_ + kMemoryWait : bound_;
  const auto until = began + bound;
  if (!socket_.is_open()) socket_ = Socket(target_);
  if (!socket_.is_open() || !socket_.send_all(request, until)) return fail(what + ": could not be sent");
  const Socket::State state = socket_.receive_frame(answer_, rest_, until);
  const auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - began);
  if (took > slowest_) {
    slowest_ = took;
    slowest_what_ = what;
  }
  if (state == Socket::State::closed) return fail(what + ": the connection was closed");
  if (state == Socket::State::nothing) return fail(what + ": no answer within " + std::to_string(bound.count()) + " ms");
  if (answer_.size() < sizeof correlation || load_be<std::int32_t>(as_bytes(answer_).data()) != correlation) {
    return fail(what + ": the answer is another request's");
  }
  return true;
}

}  // namespace tidelog::attack
