// What a sender does when a batch cannot go as it is: a fresh identity for lanes that need one, and batches cut in two.
#include "client/producer/sender.h"
#include "proto/messages/init_producer_id_request.h"
#include "proto/record/reader.h"

#include <algorithm>

namespace tidelog::core {

void Sender::provide_identities() {
  if (!core_.settings().is_idempotent) return;
  bool needs_new = false;
  std::vector<PartitionQueue*> active;
  {
    const std::lock_guard lock(state_->mutex);
    active = state_->accumulator.active();
  }
  for (PartitionQueue* queue : active) {
    if (!queue->lane.needs_identity()) continue;
    // A lane with a hole cannot go on as who it was.
    if (identity_.is_set() && queue->lane.identity() != identity_)
      queue->lane.set_identity(identity_);
    else
      needs_new = true;
  }
  if (needs_new && !asks_identity_ && Clock::now() >= identity_retry_at_) ask_identity();
}

void Sender::ask_identity() {
  proto::InitProducerIdRequest message;
  message.transactional_id = {};
  message.transaction_timeout_ms = 60'000;
  Request request = make_request(message, Clock::now() + core_.settings().request_timeout);
  request.max_version = std::min<std::int16_t>(request.max_version, 5);  // Version 6 is not stable yet.
  request.answer = [weak = weak_from_this()](result<Answer> answer) {
    if (const auto self = weak.lock(); self && !self->is_stopped_) self->on_identity(std::move(answer));
  };
  asks_identity_ = true;
  core_.cluster().request(Target::any(), std::move(request));
}

void Sender::on_identity(result<Answer> answer) {
  asks_identity_ = false;
  result<proto::InitProducerIdResponse> message = answer ? read_answer<proto::InitProducerIdResponse>(*answer) : answer.error();
  if (message && message->error_code != 0) message = error::from_kafka(message->error_code, "cannot get a producer id");
  // Taken for one it would be asked for again at once, and so on.
  if (message && (message->producer_id < 0 || message->producer_epoch < 0))
    message = error(errc::bad_answer, answer->broker + " gave a producer id that is none").set_broker(answer->broker);
  if (message) {
    identity_ = {.producer_id = message->producer_id, .epoch = message->producer_epoch};
    identity_failures_ = 0;
    return pump();
  }
  if (!message.error().retriable()) {
    error why = message.error();
    if (why.hint().empty()) why.set_hint("-X enable.idempotence=false sends without one");
    return fail_all(why.set_fatal(true));
  }
  identity_retry_at_ = Clock::now() + backoff(identity_failures_++);
  pump();
}

void Sender::split(PartitionQueue& queue, PendingBatch& batch) {
  const Result<proto::BatchView> whole = proto::BatchView::parse(batch.bytes);
  std::unique_ptr<PendingBatch> halves[2];
  {
    const std::lock_guard lock(state_->mutex);
    for (auto& half : halves) half = state_->accumulator.take_spare(batch.created_at);
    // What is gathered from now on should fit at once.
    if (TopicQueues* topic = state_->accumulator.find_topic(queue.topic))
      topic->batch_bytes = std::min(topic->batch_bytes, batch.builder.size_bytes() / 2);
  }
  const std::int32_t middle = batch.builder.record_count() / 2;
  std::int32_t index = 0;
  std::vector<proto::RecordHeader> headers;
  proto::RecordReader reader;
  const auto copy = [&](const proto::RecordView& record) {
    headers.clear();
    for (const proto::RecordHeader& header : record.headers) headers.push_back(header);
    halves[index++ < middle ? 0 : 1]->builder.append(
        {.timestamp = record.timestamp, .key = record.key, .value = record.value, .headers = headers});
  };
  if (!whole || !proto::for_each_record(*whole, reader, copy)) {
    return failed(queue, batch, error(errc::too_large, "a batch is too large for the broker and could not be split"));
  }
  // Tags of consecutive sends usually count up, and then each half knows its own.
  const bool is_counting = batch.last_tag - batch.first_tag + 1 == static_cast<std::uint64_t>(batch.builder.record_count());
  halves[0]->first_tag = batch.first_tag;
  halves[0]->last_tag = is_counting ? batch.first_tag + static_cast<std::uint64_t>(middle) - 1 : batch.last_tag;
  halves[1]->first_tag = is_counting ? halves[0]->last_tag + 1 : batch.first_tag;
  halves[1]->last_tag = batch.last_tag;
  for (auto& [at, callback] : batch.callbacks) {
    const bool is_first = at < middle;
    halves[is_first ? 0 : 1]->callbacks.emplace_back(is_first ? at : at - middle, std::move(callback));
  }
  PendingBatch& first = *halves[0];
  PendingBatch& second = *halves[1];
  std::unique_ptr<PendingBatch> replaced = queue.lane.replace(batch, std::move(halves[0]), std::move(halves[1]));
  const std::lock_guard lock(state_->mutex);
  state_->accumulator.replace(std::move(replaced), first, second);
}

}  // namespace tidelog::core
