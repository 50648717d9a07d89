#include "client/core/client_core.h"

#include "proto/error_code.h"

#include <thread>

namespace tidelog::core {
namespace {

/// A topic that may yet appear is worth another try until then.
error why_not_usable(const std::string& name, int code, TimePoint appears_by) {
  error missing = error::from_kafka(code, "topic \"" + name + "\"").set_topic(name);
  if (missing.kind() == errc::not_found) {
    missing.set_message("topic \"" + name + "\" does not exist").set_retriable(Clock::now() < appears_by);
  }
  return missing;
}

}  // namespace

ClientCore::~ClientCore() {
  loop_.run_and_wait([this] { cluster_.close(); });
  loop_.stop();
}

bool ClientCore::Backoff::wait_after(const error& why) {
  if (!why.retriable()) return false;
  // Nobody there from the start is an answer; a cluster that was there is given the time it needs to come back.
  const bool is_unreached = !core_.cluster_.was_reached() && why.kind() != errc::server;
  if (is_unreached && ++unreached_ >= core_.cluster_.candidates()) return false;
  if (Clock::now() + pause_ >= deadline_) return false;
  if (!is_unreached) std::this_thread::sleep_for(pause_);
  pause_ = std::min(pause_ * 2, core_.settings_.retry_backoff_max);
  return true;
}

result<Answer> ClientCore::exchange(Target target, Request request) {
  std::promise<result<Answer>> promise;
  std::future<result<Answer>> future = promise.get_future();
  request.answer = [promise = std::move(promise)](result<Answer> answer) mutable { promise.set_value(std::move(answer)); };
  loop_.post([this, target, request = std::move(request)]() mutable { cluster_.request(target, std::move(request)); });
  // The loop answers every request by its deadline, so this wait ends.
  return future.get();
}

result<void> ClientCore::refresh(std::optional<std::vector<std::string>> topics, bool creates) {
  std::promise<result<void>> promise;
  std::future<result<void>> future = promise.get_future();
  loop_.post([this, topics = std::move(topics), creates, promise = std::move(promise)]() mutable {
    cluster_.refresh(std::move(topics), creates,
                     [promise = std::move(promise)](result<void> done) mutable { promise.set_value(std::move(done)); });
  });
  return future.get();
}

result<std::shared_ptr<const Metadata>> ClientCore::fetch_metadata(std::optional<std::vector<std::string>> topics, bool creates,
                                                                   TimePoint deadline) {
  using Known = std::shared_ptr<const Metadata>;
  return retry<Known>(deadline, [&]() -> result<Known> {
    if (const result<void> done = refresh(topics, creates); !done) return done.error();
    return cluster_.metadata();
  });
}

result<std::shared_ptr<const TopicMetadata>> ClientCore::find_topic(const std::string& name, bool creates, TimePoint deadline) {
  using Found = std::shared_ptr<const TopicMetadata>;
  const auto is_usable = [](const Found& topic) { return topic && topic->error_code == 0 && !topic->partitions.empty(); };
  if (Found known = cluster_.metadata()->topic(name); is_usable(known)) return known;
  // A broker that creates a topic because it was asked for says at first that there is none.
  const TimePoint appears_by = creates ? Clock::now() + std::chrono::seconds(5) : TimePoint::min();
  return retry<Found>(deadline, [&]() -> result<Found> {
    const result<std::shared_ptr<const Metadata>> fresh = fetch_metadata(std::vector{name}, creates, deadline);
    if (!fresh) return error(fresh.error()).set_retriable(false);  // It has retried already.
    Found topic = (*fresh)->topic(name);
    if (!is_usable(topic)) {
      const int code = topic ? topic->error_code : static_cast<int>(ErrorCode::unknown_topic_or_partition);
      return why_not_usable(name, code, appears_by);
    }
    loop_.post([this, name] { cluster_.use_topic(name); });
    return topic;
  });
}

}  // namespace tidelog::core
