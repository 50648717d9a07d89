#include "client/producer/sender.h"

#include "proto/error_code.h"
#include "proto/messages/produce_request.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace tidelog::core {
namespace {

using Message = proto::ProduceRequest;

constexpr Milliseconds kExpiryCheck{500};

/// Whether the next attempt needs to know who leads the partition now.
bool asks_for_metadata(ErrorCode code) {
  return code == ErrorCode::not_leader_or_follower || code == ErrorCode::leader_not_available ||
         code == ErrorCode::unknown_topic_or_partition || code == ErrorCode::unknown_topic_id || code == ErrorCode::kafka_storage_error ||
         code == ErrorCode::inconsistent_topic_id || code == ErrorCode::fenced_leader_epoch || code == ErrorCode::network_exception ||
         code == ErrorCode::replica_not_available;
}

std::string context_of(const PartitionQueue& queue) {
  return "cannot write to \"" + queue.topic + "\" partition " + std::to_string(queue.index);
}

error too_late(const PartitionQueue& queue) {
  error why(errc::timed_out, context_of(queue) + ": not acknowledged within delivery.timeout.ms");
  if (queue.refusal) {
    why.set_message(why.message() + "; the last answer was " + std::string(queue.refusal->code_name()));
    why.set_hint(queue.refusal->hint());
  }
  return why.set_topic(queue.topic, queue.index);
}

/// Batches that end without having been sent, each with where it waited.
using Unsent = std::vector<std::pair<PartitionQueue*, std::unique_ptr<PendingBatch>>>;

void take_ready(PartitionQueue& queue, TimePoint created_before, Unsent& to) {
  while (!queue.ready.empty() && queue.ready.front()->created_at < created_before) {
    to.emplace_back(&queue, std::move(queue.ready.front()));
    queue.ready.pop_front();
  }
}

}  // namespace

void Sender::start() {
  listener_ = core_.cluster().on_change([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

void Sender::stop(const error& why) {
  if (is_stopped_) return;
  fail_all(why);
  is_stopped_ = true;
  core_.cluster().forget(listener_);
  if (timer_) core_.loop().cancel(*timer_);
}

Milliseconds Sender::backoff(int retries) const {
  const Settings& settings = core_.settings();
  return std::min(settings.retry_backoff * (1 << std::clamp(retries, 0, 10)), settings.retry_backoff_max);
}

void Sender::pump() {
  if (is_stopped_ || is_pumping_) return;
  is_pumping_ = true;  // A refused request answers within `send`, and that answer pumps again.
  const TimePoint now = Clock::now();
  expire(now);
  {
    const std::lock_guard lock(state_->mutex);
    state_->accumulator.close_older_than(state_->hurried > 0 ? TimePoint::max() : now - core_.settings().linger);
  }
  provide_identities();
  while (!is_stopped_ && send_round(now)) {
  }
  is_pumping_ = false;
  if (!is_stopped_) arm_timer(now);
}

bool Sender::send_round(TimePoint now) {
  std::map<std::int32_t, Group> groups = choose(now);
  for (auto& [leader, group] : groups) send_group(leader, std::move(group));
  return !groups.empty();
}

std::int32_t Sender::usable_leader(const PartitionQueue& queue, const Metadata& metadata) {
  const std::int32_t leader = metadata.leader_of(queue.topic, queue.index);
  if (leader < 0) {
    core_.cluster().refresh_soon();
    return -1;
  }
  if (in_flight_[leader] >= core_.settings().max_in_flight) return -1;
  return core_.cluster().ready_connection(leader) != nullptr ? leader : -1;
}

std::map<std::int32_t, Sender::Group> Sender::choose(TimePoint now) {
  std::map<std::int32_t, Group> groups;
  std::map<std::int32_t, std::size_t> group_bytes;
  const std::shared_ptr<const Metadata> metadata = core_.cluster().metadata();
  const std::lock_guard lock(state_->mutex);
  std::vector<PartitionQueue*>& active = state_->accumulator.active();
  std::erase_if(active, [](PartitionQueue* queue) {
    if (queue->open || !queue->ready.empty() || !queue->lane.empty()) return false;
    queue->is_listed = false;
    return true;
  });
  ++turn_;
  for (std::size_t i = 0; i < active.size(); ++i) {
    PartitionQueue& queue = *active[(turn_ + i) % active.size()];
    const bool may_add = !queue.ready.empty() && queue.lane.can_add();
    if (!may_add && !queue.lane.next_retry()) continue;
    const std::int32_t leader = usable_leader(queue, *metadata);
    if (leader < 0) continue;
    if (may_add) {
      // One that does not fit beside the others stays for the next request; alone it goes whatever its size.
      const std::size_t bytes = group_bytes[leader] + queue.ready.front()->builder.size_bytes();
      if (groups.contains(leader) && bytes > static_cast<std::size_t>(core_.settings().request_max_bytes)) continue;
      queue.lane.add(std::move(queue.ready.front()));
      queue.ready.pop_front();
    }
    PendingBatch* batch = queue.lane.take(now);
    if (batch == nullptr) continue;
    const auto topic = metadata->topic(queue.topic);
    group_bytes[leader] += batch->builder.size_bytes();
    groups[leader].push_back({.queue = &queue, .batch = batch, .id = batch->id, .topic_id = topic ? topic->id : Uuid{}});
  }
  return groups;
}

void Sender::send_group(std::int32_t leader, Group group) {
  const Settings& settings = core_.settings();
  std::sort(group.begin(), group.end(), [](const Sent& a, const Sent& b) {
    return std::tie(a.queue->topic, a.queue->index) < std::tie(b.queue->topic, b.queue->index);
  });
  bool has_ids = true;
  for (const Sent& sent : group) {
    sent.batch->seal(settings.codec, settings.codec_level);
    has_ids = has_ids && !sent.topic_id.is_zero();
  }
  Request request;
  request.api_key = Message::kKey;
  request.min_version = Message::kMinVersion;
  request.max_version = has_ids ? Message::kMaxVersion : std::int16_t{12};
  request.deadline = Clock::now() + settings.request_timeout;
  request.has_answer = settings.acks != 0;
  request.encode = [&group, &settings](proto::Output& out, std::int16_t version) {
    std::vector<Message::PartitionProduceData> partitions;
    for (const Sent& sent : group) partitions.push_back({.index = sent.queue->index, .records = {.bytes = sent.batch->bytes}});
    std::vector<Message::TopicProduceData> topics;
    for (std::size_t first = 0, last = 0; first < group.size(); first = last) {
      while (last < group.size() && group[last].queue->topic == group[first].queue->topic) ++last;
      topics.push_back({.name = group[first].queue->topic,
                        .topic_id = group[first].topic_id,
                        .partition_data = std::span<const Message::PartitionProduceData>(partitions).subspan(first, last - first)});
    }
    Message message;
    message.acks = settings.acks;
    message.timeout_ms = static_cast<std::int32_t>(settings.request_timeout.count());
    message.topic_data = topics;
    proto::encode(message, version, out);
  };
  ++in_flight_[leader];
  request.answer = [weak = weak_from_this(), leader, sent = group](result<Answer> answer) {
    const auto self = weak.lock();
    if (!self || self->is_stopped_) return;
    --self->in_flight_[leader];
    self->on_answer(sent, std::move(answer));
    self->pump();
  };
  // The connection is ready, so the request is written before this returns, while `group` and its batches are here.
  Connection* connection = core_.cluster().ready_connection(leader);
  if (connection != nullptr) return connection->send(std::move(request));
  request.answer(error(errc::transport, "the connection to broker " + std::to_string(leader) + " broke").set_retriable(true));
}

void Sender::on_answer(const Group& group, result<Answer> answer) {
  if (!answer) return on_lost(group, answer.error());
  if (core_.settings().acks == 0) {
    for (const Sent& sent : group) {
      if (PendingBatch* batch = sent.queue->lane.in_flight(sent.id)) written(*sent.queue, *batch, -1);
    }
    return;
  }
  const result<proto::ProduceResponse> message = read_answer<proto::ProduceResponse>(*answer);
  if (!message) return on_lost(group, message.error());
  Group missing = group;
  for (const auto& topic : message->responses) on_topic(missing, answer->version, topic);
  if (!missing.empty()) on_lost(missing, error(errc::bad_answer, answer->broker + " left a partition out of its answer"));
}

void Sender::on_topic(Group& missing, std::int16_t version, const proto::ProduceResponse::TopicProduceResponse& topic) {
  for (const auto& partition : topic.partition_responses) {
    const auto sent = std::find_if(missing.begin(), missing.end(), [&](const Sent& each) {
      const bool is_topic = version >= 13 ? each.topic_id == topic.topic_id : each.queue->topic == topic.name;
      return is_topic && each.queue->index == partition.index;
    });
    if (sent == missing.end()) continue;
    on_partition(*sent, partition);
    missing.erase(sent);
  }
}

void Sender::on_lost(const Group& group, const error& why) {
  core_.cluster().refresh_soon();
  for (const Sent& sent : group) {
    PendingBatch* batch = sent.queue->lane.in_flight(sent.id);
    if (batch == nullptr) continue;
    sent.queue->lane.on_lost(*batch, Clock::now() + backoff(batch->retries));
    if (why.kind() == errc::unsupported || why.kind() == errc::too_large) failed(*sent.queue, *batch, why);
  }
}

void Sender::on_partition(const Sent& sent, const proto::ProduceResponse::PartitionProduceResponse& answer) {
  PartitionQueue& queue = *sent.queue;
  PendingBatch* batch = queue.lane.in_flight(sent.id);
  if (batch == nullptr) return;
  const auto code = static_cast<ErrorCode>(answer.error_code);
  if (asks_for_metadata(code)) core_.cluster().refresh_soon();
  const auto failure = [&] {
    return error::from_kafka(answer.error_code, context_of(queue), answer.error_message).set_topic(queue.topic, queue.index);
  };
  switch (queue.lane.judge(*batch, code, Clock::now() + backoff(batch->retries))) {
    case Verdict::written: return written(queue, *batch, answer.base_offset);
    case Verdict::retry: queue.refusal = failure(); return;
    case Verdict::split: return split(queue, *batch);
    case Verdict::failed: return failed(queue, *batch, failure());
    case Verdict::fatal: return fail_all(failure().set_fatal(true).set_retriable(false));
  }
}

void Sender::written(PartitionQueue& queue, PendingBatch& batch, std::int64_t base_offset) {
  queue.refusal.reset();
  // No broker gives out offsets that its records then pass; one that says so has said nothing about them.
  if (base_offset > std::numeric_limits<std::int64_t>::max() - batch.builder.record_count()) base_offset = -1;
  std::unique_ptr<PendingBatch> done = queue.lane.remove(batch);
  report(queue, *done, base_offset);
  complete(std::move(done));
}

void Sender::failed(PartitionQueue& queue, PendingBatch& batch, const error& why) {
  std::unique_ptr<PendingBatch> done = queue.lane.fail(batch);
  report(queue, *done, why);
  complete(std::move(done));
}

void Sender::report(const PartitionQueue& queue, PendingBatch& batch, const result<std::int64_t>& outcome) {
  if (const batch_fn& on_batch = state_->options.on_batch()) {
    batch_report told(queue.topic, queue.index, outcome ? *outcome : -1, batch.builder.record_count());
    on_batch(told.set_tags(batch.first_tag, batch.last_tag).set_failure(outcome ? nullptr : &outcome.error()));
  }
  for (const auto& [index, callback] : batch.callbacks) {
    if (!outcome)
      callback(outcome.error());
    else
      callback(delivery(queue.topic, queue.index, *outcome < 0 ? -1 : *outcome + index));
  }
  batch.callbacks.clear();  // What they hold may be large, and the batch is kept for reuse.
}

void Sender::complete(std::unique_ptr<PendingBatch> batch) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->accumulator.complete(std::move(batch));
  }
  state_->changed.notify_all();
}

void Sender::expire(TimePoint now) {
  const TimePoint limit = now - core_.settings().delivery_timeout;
  std::vector<PartitionQueue*> active;
  Unsent unsent;
  {
    const std::lock_guard lock(state_->mutex);
    active = state_->accumulator.active();
    for (PartitionQueue* queue : active) take_ready(*queue, limit, unsent);
  }
  for (PartitionQueue* queue : active) {
    for (PendingBatch* batch : queue->lane.expired(limit)) failed(*queue, *batch, too_late(*queue));
  }
  for (auto& [queue, batch] : unsent) {
    report(*queue, *batch, too_late(*queue));
    complete(std::move(batch));
  }
}

void Sender::fail_all(const error& why) {
  std::vector<PartitionQueue*> active;
  Unsent unsent;
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->ended) state_->ended = why;
    state_->accumulator.close_older_than(TimePoint::max());
    active = state_->accumulator.active();
    for (PartitionQueue* queue : active) take_ready(*queue, TimePoint::max(), unsent);
  }
  for (PartitionQueue* queue : active) {
    for (PendingBatch* batch : queue->lane.all()) failed(*queue, *batch, why);
  }
  for (auto& [queue, batch] : unsent) {
    report(*queue, *batch, why);
    complete(std::move(batch));
  }
  state_->changed.notify_all();
}

void Sender::arm_timer(TimePoint now) {
  std::optional<TimePoint> next;
  const auto at = [&](std::optional<TimePoint> when) {
    if (when && (!next || *when < *next)) next = when;
  };
  {
    const std::lock_guard lock(state_->mutex);
    at(state_->accumulator.next_due());
    for (const PartitionQueue* queue : state_->accumulator.active()) {
      // A batch that may go already waits for a connection or a leader, whose arrival calls `pump`.
      if (const auto retry = queue->lane.next_retry(); retry && *retry > now) at(retry);
    }
    if (!state_->accumulator.active().empty()) at(now + kExpiryCheck);
  }
  // Once its time has come it was asked for, or nobody needs it any more: then a time that is over would come again and again.
  if (!asks_identity_ && identity_failures_ > 0 && identity_retry_at_ > now) at(identity_retry_at_);
  if (timer_) core_.loop().cancel(*timer_);
  timer_.reset();
  if (!next) return;
  timer_ = core_.loop().call_at(*next, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->timer_.reset();
    self->pump();
  });
}

}  // namespace tidelog::core
