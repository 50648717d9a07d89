#pragma once

#include "broker/env/env.h"
#include "broker/group/classic_calls.h"
#include "broker/shard/signal.h"

#include <memory>
#include <optional>
#include <variant>

namespace tidelog::broker {

/// Where the answer to a request arrives that waits for other members of its group.
/// Thread: the loop of the connection that waits; `send` on any. Life: shared, since either side may go first.
struct LateMail {
  using Answer = std::variant<JoinAnswer, SyncAnswer>;

  explicit LateMail(Loop& home) : loop(home), arrived(home.executor()) {}

  static void send(std::shared_ptr<LateMail> to, Answer answer) {
    Loop& loop = to->loop;
    loop.post([mail = std::move(to), said = std::move(answer)]() mutable {
      mail->answer = std::move(said);
      mail->arrived.notify();
    });
  }

  Loop& loop;
  Signal arrived;
  std::optional<Answer> answer;
};

}  // namespace tidelog::broker
