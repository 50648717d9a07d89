#include "bench/groups/crowd.h"

#include "bench/common/die.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tidelog::bench {

Member& Crowd::add(std::unique_ptr<Member> member) {
  Seat& seat = seats_.emplace_back();
  seat.member = std::move(member);
  seat.socket = std::make_unique<Socket>(port_);
  return *seat.member;
}

void Crowd::kill(const Member& member) {
  seats_.remove_if([&](const Seat& seat) { return seat.member.get() == &member; });
}

Member& Crowd::busy() {
  for (auto seat = seats_.rbegin(); seat != seats_.rend(); ++seat) {
    if (seat->member->partitions() > 0) return *seat->member;
  }
  die("nobody has partitions");
}

void Crowd::leave() {
  for (Seat& seat : seats_) seat.member->leave();
}

void Crowd::serve(Seat& seat, Clock::time_point now) {
  while (seat.socket->receive_some()) {
  }
  for (Bytes frame = seat.socket->next_frame(); !frame.empty(); frame = seat.socket->next_frame()) {
    seat.waits = false;
    seat.member->hear(frame, now);
  }
  if (!seat.waits && !seat.member->is_gone() && seat.member->due() <= now) {
    seat.to_send = seat.member->next();
    seat.sent = 0;
    seat.waits = true;
  }
  if (seat.sent < seat.to_send.size()) seat.sent += seat.socket->send_some(Bytes(seat.to_send).subspan(seat.sent), {});
}

void Crowd::wait(Clock::time_point until) {
  std::vector<pollfd> waited;
  waited.reserve(seats_.size());
  for (const Seat& seat : seats_) {
    const bool has_more = seat.sent < seat.to_send.size();
    waited.push_back({.fd = seat.socket->fd(), .events = static_cast<short>(POLLIN | (has_more ? POLLOUT : 0)), .revents = 0});
    if (!seat.waits) until = std::min(until, seat.member->due());
  }
  const auto left = std::chrono::ceil<Milliseconds>(until - Clock::now());
  const int timeout = static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  if (::poll(waited.data(), waited.size(), timeout) < 0 && errno != EINTR) die_errno("poll");
}

Clock::duration Crowd::run_until(const std::function<bool()>& is_done, Milliseconds patience) {
  const Clock::time_point begun = Clock::now();
  while (true) {
    for (Seat& seat : seats_) serve(seat, Clock::now());
    seats_.remove_if([](const Seat& seat) { return seat.member->is_gone(); });
    if (is_done()) return Clock::now() - begun;
    if (Clock::now() - begun > patience) die("the group does not settle");
    wait(begun + patience + kPause);
  }
}

Clock::duration Crowd::run_until_stable(std::size_t partitions, Milliseconds patience) {
  return run_until([&] { return is_stable(partitions); }, patience);
}

void Crowd::run_for(Clock::duration time) {
  const Clock::time_point until = Clock::now() + time;
  while (Clock::now() < until) {
    for (Seat& seat : seats_) serve(seat, Clock::now());
    wait(until);
  }
}

bool Crowd::is_stable(std::size_t partitions) const {
  std::size_t held = 0;
  for (const Seat& seat : seats_) {
    if (seat.member->is_leaving() || !seat.member->is_settled()) return false;
    if (seat.member->epoch() != seats_.front().member->epoch()) return false;
    held += seat.member->partitions();
  }
  return held == partitions;
}

Clock::duration Crowd::longest_pause() const {
  Clock::duration longest{};
  for (const Seat& seat : seats_) longest = std::max(longest, seat.member->longest_pause());
  return longest;
}

void Crowd::forget_pauses() {
  for (Seat& seat : seats_) seat.member->forget_pauses();
}

}  // namespace tidelog::bench
