#include "client/producer/producer_core.h"

#include <algorithm>

namespace tidelog {
namespace core {

ProducerCore::ProducerCore(std::shared_ptr<ClientCore> client, producer_options options)
    : client_(std::move(client)),
      state_(std::make_shared<ProducerState>(client_->settings(), std::move(options))),
      sender_(std::make_shared<Sender>(*client_, state_)) {
  client_->loop().run_and_wait([this] { sender_->start(); });
}

void ProducerCore::wake() {
  client_->loop().post([weak = std::weak_ptr(sender_)] {
    if (const auto sender = weak.lock()) sender->pump();
  });
}

result<void> ProducerCore::check(const record_ref& record, std::size_t size_bytes) const {
  if (size_bytes <= static_cast<std::size_t>(client_->settings().request_max_bytes)) return {};
  error large(errc::too_large, "the record has " + std::to_string(record.value().size() + record.key().size()) +
                                   " bytes, more than max.request.size (" + std::to_string(client_->settings().request_max_bytes) +
                                   ") allows");
  return large.set_topic(record.topic(), record.partition());
}

result<TopicQueues*> ProducerCore::topic_for(const record_ref& record, bool may_wait, std::unique_lock<std::mutex>& lock,
                                             TimePoint deadline) {
  TopicQueues* queues = state_->accumulator.find_topic(record.topic());
  if (queues == nullptr) {
    if (!may_wait)
      return error(errc::queue_full, "nothing is known of topic \"" + std::string(record.topic()) + "\" yet").set_retriable(true);
    lock.unlock();
    result<std::shared_ptr<const TopicMetadata>> found =
        client_->find_topic(std::string(record.topic()), client_->settings().creates_topics, deadline);
    lock.lock();
    if (!found) return found.error();
    queues = state_->accumulator.find_topic(record.topic());  // Another caller may have been faster.
    if (queues == nullptr) queues = &state_->accumulator.add_topic(*std::move(found));
  }
  const auto count = static_cast<std::int32_t>(queues->metadata->partitions.size());
  if (record.partition() < count) return queues;
  error missing(errc::not_found, "topic \"" + std::string(record.topic()) + "\" has " + std::to_string(count) +
                                     " partition(s), so there is no partition " + std::to_string(record.partition()));
  return missing.set_hint("partitions are numbered from 0").set_topic(record.topic(), record.partition());
}

result<void> ProducerCore::wait_for_room(std::size_t size_bytes, bool may_wait, std::unique_lock<std::mutex>& lock, TimePoint deadline) {
  if (state_->accumulator.has_room(size_bytes)) return {};
  const error full = error(errc::queue_full, "records wait in buffer.memory (" + std::to_string(client_->settings().buffer_bytes) +
                                                 " bytes) and none leave in time")
                         .set_retriable(true);
  if (!may_wait) return full;
  ++state_->hurried;
  wake();
  const bool has_room =
      state_->changed.wait_until(lock, deadline, [&] { return state_->ended || state_->accumulator.has_room(size_bytes); });
  --state_->hurried;
  return has_room ? result<void>() : full;
}

result<void> ProducerCore::send(const record_ref& record, delivery_fn on_delivery, bool may_wait) {
  // A callback that waited would wait for its own thread.
  may_wait = may_wait && !client_->loop().on_loop();
  const std::size_t size = Accumulator::size_of(record);
  if (result<void> ok = check(record, size); !ok) return ok;
  const TimePoint now = Clock::now();
  const TimePoint deadline = now + client_->settings().max_block;
  bool is_news = false;
  {
    std::unique_lock lock(state_->mutex);
    const result<TopicQueues*> topic = topic_for(record, may_wait, lock, deadline);
    if (!topic) return topic.error();
    if (result<void> ok = wait_for_room(size, may_wait, lock, deadline); !ok) return ok;
    if (state_->ended) return *state_->ended;
    is_news = state_->accumulator.append(**topic, record, std::move(on_delivery), now);
  }
  if (is_news) wake();
  return {};
}

result<void> ProducerCore::flush(Milliseconds deadline) {
  if (client_->loop().on_loop()) return error(errc::invalid_argument, "flush waits, so it cannot be called from a callback");
  std::unique_lock lock(state_->mutex);
  const std::uint64_t last = state_->accumulator.last_id();
  ++state_->hurried;
  wake();
  const bool is_done = state_->changed.wait_for(lock, deadline, [&] { return state_->accumulator.is_complete_through(last); });
  --state_->hurried;
  if (is_done) return {};
  return error(errc::timed_out, "some records are not acknowledged yet").set_retriable(true);
}

result<void> ProducerCore::close(Milliseconds deadline) {
  result<void> flushed;
  if (!client_->loop().on_loop()) flushed = flush(deadline);
  client_->loop().run_and_wait([this] { sender_->stop(error(errc::closed, "the producer was closed")); });
  return flushed;
}

}  // namespace core

producer::producer(std::shared_ptr<core::ProducerCore> core) : core_(std::move(core)) {}
producer::producer(producer&&) noexcept = default;

producer& producer::operator=(producer&& other) noexcept {
  if (this == &other) return *this;
  if (core_) (void)core_->close(std::chrono::seconds(1));
  core_ = std::move(other.core_);
  return *this;
}

producer::~producer() {
  if (core_) (void)core_->close(std::chrono::seconds(1));
}

result<void> producer::send(const record_ref& record, delivery_fn on_delivery) { return core_->send(record, std::move(on_delivery), true); }
result<void> producer::try_send(const record_ref& record, delivery_fn on_delivery) {
  return core_->send(record, std::move(on_delivery), false);
}

std::future<result<delivery>> producer::send_for_future(const record_ref& record) {
  auto promise = std::make_shared<std::promise<result<delivery>>>();
  std::future<result<delivery>> future = promise->get_future();
  const result<void> taken = send(record, [promise](const result<delivery>& outcome) { promise->set_value(outcome); });
  if (!taken) promise->set_value(taken.error());
  return future;
}

result<void> producer::flush(std::chrono::milliseconds deadline) { return core_->flush(deadline); }
result<void> producer::close(std::chrono::milliseconds deadline) { return core_->close(deadline); }

}  // namespace tidelog
