#include "tests/sim/link.h"

#include <algorithm>

namespace tidelog::sim {

Link::Link(World& world, NetworkFaults& faults, Dice dice, std::array<broker::Endpoint, 2> ends)
    : world_(world), faults_(faults), dice_(dice), ends_(std::move(ends)) {}

SteadyTime Link::latency() { return SteadyTime(dice_.between(faults_.least_latency_ns, faults_.most_latency_ns)); }

Result<std::size_t> Link::read(int side, MutableBytes buffer) {
  Pipe& pipe = into(side);
  if (closed_[side] || is_reset_) return Errc::closed;
  if (buffer.empty()) return Errc::invalid;
  if (pipe.arrived == 0) return pipe.has_ended ? Errc::closed : Errc::would_block;
  std::size_t n = std::min(buffer.size(), pipe.arrived);
  // Half of the split reads are tiny: a frame's length field must come apart as well.
  if (faults_.splits_reads && dice_.chance(500))
    n = dice_.chance(500) ? dice_.between(1, std::min<std::size_t>(n, 8)) : dice_.between(1, n);
  const auto end = pipe.bytes.begin() + static_cast<std::ptrdiff_t>(n);
  std::copy(pipe.bytes.begin(), end, buffer.begin());
  pipe.bytes.erase(pipe.bytes.begin(), end);
  pipe.arrived -= n;
  pipe.writer.wake();
  return n;
}

std::size_t Link::room(int side) const {
  const Pipe& pipe = pipes_[1 - side];
  if (!can_write(side) || pipe.bytes.size() >= faults_.socket_buffer_bytes) return 0;
  return faults_.socket_buffer_bytes - pipe.bytes.size();
}

Result<std::size_t> Link::write(int side, std::span<const Bytes> parts) {
  if (!can_write(side)) return Errc::closed;
  strike();
  if (is_reset_) return Errc::closed;
  Pipe& pipe = out_of(side);
  std::size_t written = 0;
  for (const Bytes part : parts) {
    const std::size_t n = std::min(part.size(), room(side));
    pipe.bytes.insert(pipe.bytes.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(n));
    written += n;
  }
  if (written == 0) return Errc::would_block;
  pipe.last_arrival = std::max(pipe.last_arrival, world_.now() + latency());
  deliver(side, pipe.last_arrival, [this, &pipe, written] { arrive(pipe, written); });
  return written;
}

void Link::deliver(int side, SteadyTime at, Job job) {
  // What is on its way belongs to the world: it arrives though its sender has crashed meanwhile.
  const Fact fact{.kind = EventKind::network, .process = 0, .detail = ends_[0].port * 2ULL + static_cast<std::uint64_t>(side)};
  world_.schedule(at, fact, [held = shared_from_this(), run = std::move(job)]() mutable { run(); });
}

void Link::arrive(Pipe& pipe, std::size_t size) {
  if (is_stalled_ || is_reset_) return;
  pipe.arrived = std::min(pipe.arrived + size, pipe.bytes.size());
  pipe.reader.wake();
  if (dice_.chance(faults_.spurious_wake_per_mille)) pipe.writer.wake();
}

asio::awaitable<void> Link::readable(int side) {
  Pipe& pipe = into(side);
  if (closed_[side] || is_reset_ || pipe.arrived > 0 || pipe.has_ended) co_return;
  co_await pipe.reader.wait(*loops_[side]);
}

asio::awaitable<void> Link::writable(int side) {
  if (!can_write(side) || room(side) > 0) co_return;
  co_await out_of(side).writer.wait(*loops_[side]);
}

void Link::close(int side) {
  if (std::exchange(closed_[side], true)) return;
  into(side).reader.wake();
  out_of(side).writer.wake();
  Pipe& pipe = out_of(side);
  pipe.will_end = true;
  pipe.last_arrival = std::max(pipe.last_arrival, world_.now() + latency());
  deliver(side, pipe.last_arrival, [this, side, &pipe] {
    if (is_stalled_) return;
    pipe.has_ended = true;
    is_left_[1 - side] = true;
    pipe.reader.wake();
    out_of(1 - side).writer.wake();
  });
}

void Link::reset() {
  if (std::exchange(is_reset_, true)) return;
  for (Pipe& pipe : pipes_) {
    pipe.bytes.clear();
    pipe.arrived = 0;
  }
  wake_all();
}

void Link::wake_all() {
  for (Pipe& pipe : pipes_) {
    pipe.reader.wake();
    pipe.writer.wake();
  }
}

void Link::stall(SteadyTime duration) {
  if (std::exchange(is_stalled_, true)) return;
  deliver(0, world_.now() + duration, [this] { reset(); });
}

void Link::strike() {
  if (faults_.resets > 0 && dice_.chance(faults_.reset_per_mille)) {
    --faults_.resets;
    world_.mark("a connection was reset");
    reset();
  } else if (faults_.stalls > 0 && dice_.chance(faults_.stall_per_mille)) {
    --faults_.stalls;
    world_.mark("a connection went silent");
    stall(SteadyTime(dice_.below(static_cast<std::uint64_t>(faults_.longest_stall.count()))));
  }
}

void Link::crash(int side, bool silently) {
  loops_[side] = nullptr;
  if (silently) {
    closed_[side] = true;
    stall(SteadyTime(dice_.below(static_cast<std::uint64_t>(faults_.longest_stall.count()))));
  } else {
    deliver(side, world_.now() + latency(), [this] { reset(); });
    closed_[side] = true;
  }
  into(side).reader.drop();
  out_of(side).writer.drop();
}

}  // namespace tidelog::sim
