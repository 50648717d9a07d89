#include "tests/attack/converse.h"

#include "proto/base/endian.h"
#include "proto/error_code.h"
#include "tests/attack/answers.h"
#include "tests/attack/messages.h"

#include <algorithm>
#include <deque>

namespace tidelog::attack {
namespace {

using Outcome = Tally::Outcome;

constexpr std::size_t kCorrelationAt = 8;

/// One connection's side of it.
struct Talker {
  struct Asked {
    ApiVersion what;
    std::int32_t correlation = 0;
  };
  Socket* socket = nullptr;
  std::string to_send;
  std::string_view left;
  std::string rest;
  std::deque<Asked> under_way;
  std::int32_t next_correlation = 0;
  Clock::time_point first_since;  ///< When the first under way became that.
  bool is_over = false;           ///< Closed or hung.
};

class Conversation {
 public:
  Conversation(std::vector<Socket>& crowd, const Exchange& exchange, Tally& tally)
      : exchange_(exchange), tally_(tally), talkers_(crowd.size()) {
    for (std::size_t i = 0; i < crowd.size(); ++i) talkers_[i].socket = &crowd[i];
  }

  void run(Clock::time_point until) {
    while (is_anybody_busy(until)) {
      wait();
      for (std::size_t who = 0; who < talkers_.size(); ++who) listen(who);
    }
  }

 private:
  bool is_anybody_busy(Clock::time_point until) {
    bool is_any = false;
    for (std::size_t who = 0; who < talkers_.size(); ++who) {
      Talker& talker = talkers_[who];
      if (Clock::now() < until) speak(who);
      is_any = is_any || (!talker.is_over && !talker.under_way.empty());
    }
    return is_any;
  }

  void speak(std::size_t who) {
    Talker& talker = talkers_[who];
    while (!talker.is_over && talker.left.empty() && talker.under_way.size() < exchange_.pipelined) {
      talker.to_send = exchange_.next(who);
      if (talker.to_send.empty()) return;
      const std::int32_t correlation = talker.next_correlation++;
      store_be(reinterpret_cast<std::byte*>(talker.to_send.data()) + kCorrelationAt, correlation);
      talker.left = talker.to_send;
      if (talker.under_way.empty()) talker.first_since = Clock::now();
      talker.under_way.push_back({.what = asked_by(talker.to_send), .correlation = correlation});
      send(talker);
    }
  }

  void send(Talker& talker) {
    if (talker.socket->send_some(talker.left) == Socket::State::closed) talker.left = {};  // What it was answered before is still read.
  }

  void wait() const {
    std::vector<Waiting> waiting;
    Clock::time_point first = Clock::time_point::max();
    for (const Talker& talker : talkers_) {
      if (talker.is_over || talker.under_way.empty()) continue;
      waiting.push_back({.socket = talker.socket, .to_write = !talker.left.empty(), .to_read = true});
      first = std::min(first, talker.first_since + exchange_.patience);
    }
    wait_for_any(waiting, first);
  }

  void listen(std::size_t who) {
    Talker& talker = talkers_[who];
    if (talker.is_over || talker.under_way.empty()) return;
    if (!talker.left.empty()) send(talker);
    std::string answer;
    Socket::State state = Socket::State::good;
    while (!talker.under_way.empty() && state == Socket::State::good) {
      state = talker.socket->receive_frame(answer, talker.rest, Clock::now());
      if (state == Socket::State::good) hear(who, answer);
    }
    if (state == Socket::State::closed) end(talker, Outcome::closed);
    const bool is_late = !talker.under_way.empty() && Clock::now() >= talker.first_since + exchange_.patience;
    if (is_late) end(talker, Outcome::hung);
  }

  void hear(std::size_t who, std::string_view answer) {
    Talker& talker = talkers_[who];
    const Talker::Asked asked = talker.under_way.front();
    if (answer.size() < sizeof(std::int32_t) || load_be<std::int32_t>(as_bytes(answer).data()) != asked.correlation) {
      tally_.note_unproven(exchange_.family, "an answer is missing or out of order");
      return end(talker, Outcome::hung);
    }
    talker.under_way.pop_front();
    talker.first_since = Clock::now();
    judge(asked, answer);
    if (exchange_.hear) exchange_.hear(who, answer);
  }

  void judge(const Talker::Asked& asked, std::string_view answer) {
    const std::string api(asked.what.api->name);
    const auto errors = errors_in(answer, asked.what);
    if (!errors) return tally_.note(exchange_.family, Outcome::refused, api + ": the answer cannot be read");
    const auto unlawful =
        std::ranges::find_if(*errors, [this](std::int16_t error) { return error != 0 && !exchange_.lawful.contains(error); });
    if (unlawful == errors->end()) return tally_.note(exchange_.family, Outcome::answered);
    tally_.note(exchange_.family, Outcome::refused, api + ": " + std::string(name(static_cast<ErrorCode>(*unlawful))));
  }

  /// What was under way comes to nothing.
  void end(Talker& talker, Outcome outcome) {
    for (const Talker::Asked& asked : talker.under_way) {
      tally_.note(exchange_.family, outcome, std::string(asked.what.api->name) + " was neither answered nor closed");
    }
    talker.under_way.clear();
    talker.is_over = true;
  }

  const Exchange& exchange_;
  Tally& tally_;
  std::vector<Talker> talkers_;
};

}  // namespace

void converse(std::vector<Socket>& crowd, const Exchange& exchange, Tally& tally, Clock::time_point until) {
  Conversation(crowd, exchange, tally).run(until);
}

void repeat(Camp& camp, const Camp::Call& call, const Routine& routine) {
  std::vector<Socket> crowd = camp.crowd(call);
  std::size_t turn = 0;
  const Exchange exchange{.family = call.family,
                          .next = [&](std::size_t) { return routine.requests[turn++ % routine.requests.size()]; },
                          .lawful = routine.lawful,
                          .pipelined = routine.pipelined,
                          .patience = camp.deadlines().answer()};
  converse(crowd, exchange, camp.tally(), Clock::now() + routine.lasts);
}

}  // namespace tidelog::attack
