#include "tests/attack/camp.h"

#include "proto/base/endian.h"
#include "tests/attack/messages.h"

namespace tidelog::attack {
namespace {

using Outcome = Tally::Outcome;

}  // namespace

std::vector<Socket> Camp::crowd(const Call& call) {
  std::vector<Socket> sockets;
  for (std::size_t i = 0; i < call.count; ++i) {
    target_.from = {call.network, static_cast<std::uint8_t>(1 + i / call.per_address)};
    Socket socket(target_, call.receive_buffer);
    if (socket.is_open()) sockets.push_back(std::move(socket));
  }
  // A broker that does not want a connection takes it and closes it: whether it was let in shows in an answer.
  const auto until = Clock::now() + deadlines_.answer();
  for (Socket& socket : sockets) socket.send_all(probe(), until);
  std::erase_if(sockets, [until](Socket& socket) {
    std::string answer, rest;
    return socket.receive_frame(answer, rest, until) != Socket::State::good;
  });
  for (std::size_t i = sockets.size(); i < call.count; ++i) tally_.note(call.family, Outcome::unopened);
  require_most(call.family, sockets.size(), call.count, "were let in");
  return sockets;
}

std::size_t Camp::ask_each(std::vector<Socket>& sockets, std::string_view request, Clock::time_point until) {
  std::vector<std::string_view> left(sockets.size(), request);
  while (Clock::now() < until && send_to_all(sockets, left)) wait_to_write(sockets, left, until);
  std::size_t answered = 0;
  for (Socket& socket : sockets) {
    std::string answer, rest;
    answered += socket.receive_frame(answer, rest, until) == Socket::State::good ? 1 : 0;
  }
  return answered;
}

void Camp::require_most(const char* family, std::size_t came, std::size_t of, const std::string& what) {
  if (!is_most(came, of)) tally_.note_unproven(family, std::to_string(came) + " of " + std::to_string(of) + " " + what);
}

void Camp::expect_closed(std::vector<Socket>& sockets, const char* family, Clock::time_point until) {
  for (Socket& socket : sockets) {
    tally_.note(family, socket.is_closed_before(until) ? Outcome::closed : Outcome::hung, "not closed by its deadline");
  }
}

void Camp::expect_alive_or_closed(std::vector<Socket>& sockets, const char* family) {
  const auto until = Clock::now() + deadlines_.slack;
  for (Socket& socket : sockets) socket.send_all(probe(), until);
  for (Socket& socket : sockets) {
    std::string answer, rest;
    const Socket::State state = socket.receive_frame(answer, rest, until);
    const Outcome outcome = state == Socket::State::good     ? Outcome::answered
                            : state == Socket::State::closed ? Outcome::closed
                                                             : Outcome::hung;
    tally_.note(family, outcome, "an idle connection did not answer");
  }
}

Outcome Camp::drain(Socket& socket, std::size_t answers, Clock::time_point until, std::string& answer) {
  std::string rest;
  for (std::size_t i = 0; i < answers; ++i) {
    const Socket::State state = socket.receive_frame(answer, rest, until);
    if (state == Socket::State::closed) return Outcome::closed;
    if (state == Socket::State::nothing || answer.size() < sizeof(std::int32_t)) return Outcome::hung;
    if (load_be<std::int32_t>(as_bytes(answer).data()) != static_cast<std::int32_t>(i)) return Outcome::hung;
  }
  return Outcome::answered;
}

bool send_to_all(std::vector<Socket>& sockets, std::vector<std::string_view>& left) {
  bool is_any_left = false;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!left[i].empty() && sockets[i].send_some(left[i]) == Socket::State::closed) left[i] = {};
    is_any_left = is_any_left || !left[i].empty();
  }
  return is_any_left;
}

void wait_to_write(const std::vector<Socket>& sockets, const std::vector<std::string_view>& left, Clock::time_point until) {
  std::vector<Waiting> waiting;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    if (!left[i].empty()) waiting.push_back({.socket = &sockets[i], .to_write = true});
  }
  wait_for_any(waiting, until);
}

}  // namespace tidelog::attack
