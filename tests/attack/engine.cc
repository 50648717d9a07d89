#include "tests/attack/engine.h"

#include "proto/base/endian.h"
#include "tests/attack/frames.h"

#include <poll.h>

#include <algorithm>

namespace tidelog::attack {

bool Engine::has_probe_answer(std::string& got) {
  constexpr std::size_t kLengthBytes = 4, kHeaderBytes = 8;
  std::size_t at = 0;
  bool found = false;
  while (!found && got.size() - at >= kHeaderBytes) {
    const auto* bytes = reinterpret_cast<const std::byte*>(got.data()) + at;
    const auto whole = kLengthBytes + static_cast<std::size_t>(std::max(load_be<std::int32_t>(bytes), 0));
    found = load_be<std::int32_t>(bytes + kLengthBytes) == kProbe;
    if (got.size() - at < whole) break;
    at += whole;
  }
  got.erase(0, at);
  return found;
}

bool Engine::begin(Slot& slot, Case attack) {
  // Spread over addresses, so that no limit of a single one is met.
  target_.from = {1, static_cast<std::uint8_t>(1 + next_address_++ % 200)};
  slot.socket = Socket(target_);
  slot.attack = std::move(attack);
  if (slot.attack.is_probed) slot.attack.bytes += probe();
  slot.left = slot.attack.bytes;
  slot.got.clear();
  slot.deadline = Clock::now() + limits_.hang;
  slot.is_busy = slot.socket.is_open();
  if (!slot.is_busy) tally_.note(slot.attack.family, Tally::Outcome::unopened);
  return slot.is_busy;
}

void Engine::finish(Slot& slot, Tally::Outcome outcome) {
  if (outcome == Tally::Outcome::hung && slot.attack.may_wait) outcome = Tally::Outcome::answered;
  tally_.note(slot.attack.family, outcome, slot.attack.what);
  slot.socket = Socket();
  slot.is_busy = false;
}

void Engine::advance(Slot& slot) {
  if (!slot.left.empty() && slot.socket.send_some(slot.left) == Socket::State::closed) return finish(slot, Tally::Outcome::closed);
  for (;;) {
    const Socket::State state = slot.socket.receive_some(slot.got);
    if (state == Socket::State::closed) return finish(slot, Tally::Outcome::closed);
    if (has_probe_answer(slot.got)) return finish(slot, Tally::Outcome::answered);
    if (state == Socket::State::nothing) break;
  }
  if (Clock::now() >= slot.deadline) finish(slot, Tally::Outcome::hung);
}

void Engine::poll_slots(std::vector<Slot>& slots) {
  constexpr int kTickMs = 20;
  std::vector<pollfd> polled;
  std::vector<Slot*> owners;
  for (Slot& slot : slots) {
    if (!slot.is_busy) continue;
    polled.push_back(
        {.fd = slot.socket.descriptor(), .events = static_cast<short>(POLLIN | (slot.left.empty() ? 0 : POLLOUT)), .revents = 0});
    owners.push_back(&slot);
  }
  ::poll(polled.data(), polled.size(), kTickMs);
  const Clock::time_point now = Clock::now();
  for (std::size_t i = 0; i < owners.size(); ++i) {
    if (polled[i].revents != 0 || owners[i]->deadline <= now) advance(*owners[i]);
  }
}

bool Engine::fill(Slot& slot, const Source& source, Clock::time_point until) {
  while (!slot.is_busy) {
    std::optional<Case> next = Clock::now() < until ? source() : std::nullopt;
    if (!next) return false;
    if (begin(slot, std::move(*next))) advance(slot);
  }
  return true;
}

void Engine::play(const Source& source, Clock::time_point until, std::size_t connections) {
  std::vector<Slot> slots(connections);
  bool is_over = false;
  for (;;) {
    for (Slot& slot : slots) is_over = is_over || !fill(slot, source, until);
    if (std::ranges::none_of(slots, &Slot::is_busy)) return;
    poll_slots(slots);
  }
}

}  // namespace tidelog::attack
