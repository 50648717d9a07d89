#pragma once

#include "client/producer/sender.h"

namespace tidelog::core {

/// A producer's part on the callers' threads: puts records into batches and waits where that is asked for.
/// Life: holds the client; `close` must have run before the last reference goes.  Thread: any.
class ProducerCore {
 public:
  ProducerCore(std::shared_ptr<ClientCore> client, producer_options options);

  result<void> send(const record_ref& record, delivery_fn on_delivery, bool may_wait);
  result<void> flush(Milliseconds deadline);
  result<void> close(Milliseconds deadline);

 private:
  result<void> check(const record_ref& record, std::size_t size_bytes) const;
  /// The topic's queues, made when it is first sent to. Called and returns with the lock held, but lets go of it to ask the cluster.
  result<TopicQueues*> topic_for(const record_ref& record, bool may_wait, std::unique_lock<std::mutex>& lock, TimePoint deadline);
  result<void> wait_for_room(std::size_t size_bytes, bool may_wait, std::unique_lock<std::mutex>& lock, TimePoint deadline);
  void wake();

  std::shared_ptr<ClientCore> client_;
  std::shared_ptr<ProducerState> state_;
  std::shared_ptr<Sender> sender_;
};

}  // namespace tidelog::core
