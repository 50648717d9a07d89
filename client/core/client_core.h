#pragma once

#include "client/net/cluster.h"

#include <future>
#include <memory>

namespace tidelog::core {

/// An answer decoded; `message` views `raw`.
template <class Message>
struct Reply {
  Answer raw;
  Message message;
};

/// What a client, its producers and its consumers share.
/// Life: ends the I/O thread in its destructor, which therefore may not run there.  Thread: any, but `cluster()` is the loop's.
class ClientCore : public std::enable_shared_from_this<ClientCore> {
 public:
  explicit ClientCore(Settings settings) : settings_(std::move(settings)), cluster_(loop_, settings_) {}
  ~ClientCore();
  ClientCore(const ClientCore&) = delete;
  ClientCore& operator=(const ClientCore&) = delete;

  [[nodiscard]] const Settings& settings() const { return settings_; }
  IoLoop& loop() { return loop_; }
  Cluster& cluster() { return cluster_; }
  [[nodiscard]] TimePoint api_deadline() const { return Clock::now() + settings_.api_timeout; }

  /// One request, one answer, no retry. Blocks; not on the loop.
  template <class Response, class Message>
  result<Reply<Response>> call(Target target, const Message& message, TimePoint deadline, std::int16_t max_version = Message::kMaxVersion) {
    Request request = make_request(message, deadline);
    request.max_version = max_version;
    result<Answer> answer = exchange(target, std::move(request));
    if (!answer) return answer.error();
    result<Response> read = read_answer<Response>(*answer);
    if (!read) return read.error();
    return Reply<Response>{.raw = *std::move(answer), .message = *std::move(read)};
  }

  /// Metadata of the topics (all, without a list), fresh. Tries every broker known before it gives up, and waits out passing failures.
  result<std::shared_ptr<const Metadata>> fetch_metadata(std::optional<std::vector<std::string>> topics, bool creates, TimePoint deadline);
  /// The topic with a leader for each partition, or why not. Asks only if it is not known, and waits for one that is being created.
  result<std::shared_ptr<const TopicMetadata>> find_topic(const std::string& name, bool creates, TimePoint deadline);

  /// Calls `attempt` until it works, fails for good, or the deadline is too near. Blocks between.
  template <class T>
  result<T> retry(TimePoint deadline, const std::function<result<T>()>& attempt) {
    for (Backoff backoff(*this, deadline);;) {
      result<T> outcome = attempt();
      if (outcome || !backoff.wait_after(outcome.error())) return outcome;
    }
  }

 private:
  /// Decides whether another attempt is worth it, and sleeps until then.
  class Backoff {
   public:
    Backoff(ClientCore& core, TimePoint deadline) : core_(core), deadline_(deadline), pause_(core.settings_.retry_backoff) {}
    bool wait_after(const error& why);

   private:
    ClientCore& core_;
    TimePoint deadline_;
    Milliseconds pause_;
    std::size_t unreached_ = 0;
  };

  result<Answer> exchange(Target target, Request request);
  /// One attempt to learn about the topics. Blocks; not on the loop.
  result<void> refresh(std::optional<std::vector<std::string>> topics, bool creates);

  const Settings settings_;
  IoLoop loop_;
  Cluster cluster_;
};

}  // namespace tidelog::core
