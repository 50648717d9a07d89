#pragma once

#include "broker/handlers/admission.h"
#include "broker/handlers/groups/ask_coordinator.h"
#include "broker/shard/let_others_go_on.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace tidelog::broker {

/// What one request may lay its answer out in, of what groups have: little at once, and what it was given since.
class AnswerRoom {
 public:
  /// Whether it tells of everything once, so that what there is bounds it.
  enum class Bound : std::uint8_t { what_there_is, memory };
  explicit AnswerRoom(Bound bound) : bound_(bound) {}

  [[nodiscard]] bool fits(std::size_t bytes) const { return used_ + bytes <= given_; }
  void use(std::size_t bytes) { used_ += bytes; }
  /// False: the reason is noted at the connection, which has to be closed.
  asio::awaitable<bool> get(HandlerContext context, std::size_t bytes) {
    if (bound_ == Bound::memory && used_ + bytes > AnswerMemory::most_bytes(context.here.shard)) {
      note_request_too_large(context, "its answer takes more memory than any may have");
      context.connection.note_close_reason("an answer about groups would be too large");
      co_return false;
    }
    // In pieces that are counted: a little is had for nothing, and this may come again and again.
    const std::size_t more = std::max(bytes, kPiece);
    if (!co_await take_for_answer(context, more)) co_return false;
    given_ += more;
    co_return true;
  }

 private:
  static constexpr std::size_t kPiece = 128 * 1024;
  static constexpr std::size_t kAtOnce = 16 * 1024;
  Bound bound_;
  std::size_t given_ = kAtOnce;
  std::size_t used_ = 0;
};

/// What a coordinator is asked that may have much to say: `weigh(const GroupMachine&)` says what the answer will take, laid out and
/// encoded; `look(GroupMachine&, Step&)` gives it. Both live in the caller.
template <class Weigh, class Look>
struct LargeQuestion {
  const Weigh& weigh;
  const Look& look;
};

/// `ask_coordinator`, with memory for the answer before there is one. Others have their turn after each. Nothing: there is no memory for
/// it, and the connection has to be closed.
template <class Answer, class Weigh, class Look>
asio::awaitable<std::optional<std::pair<ErrorCode, Answer>>> ask_for_much(HandlerContext context, AnswerRoom& room, std::string_view group,
                                                                          const LargeQuestion<Weigh, Look>& question) {
  struct Weighed {
    std::size_t bytes = 0;
    std::optional<Answer> answer;
  };
  while (true) {
    const auto weigh_and_look = [&](GroupMachine& machine, Step& step) {
      Weighed weighed{.bytes = question.weigh(std::as_const(machine)), .answer = std::nullopt};
      if (room.fits(weighed.bytes)) weighed.answer = question.look(machine, step);
      return weighed;
    };
    std::pair<ErrorCode, Weighed> outcome = co_await ask_coordinator<Weighed>(context, group, weigh_and_look);
    if (outcome.first != ErrorCode::none) co_return std::pair(outcome.first, Answer{});
    if (outcome.second.answer) {
      room.use(outcome.second.bytes);
      co_await let_others_go_on(context.loop());
      co_return std::pair(ErrorCode::none, std::move(*outcome.second.answer));
    }
    if (!co_await room.get(context, outcome.second.bytes)) co_return std::nullopt;
  }
}

/// What the description of a group takes: what the group has is copied, laid out and encoded.
inline std::size_t bytes_to_describe(const GroupMachine& machine, std::string_view group) { return 3 * machine.bytes(group); }

}  // namespace tidelog::broker
