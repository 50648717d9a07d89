#include "client/consumer/fetcher.h"

#include "proto/error_code.h"
#include "proto/messages/fetch_request.h"
#include "proto/messages/list_offsets_request.h"
#include "proto/messages/list_offsets_response.h"

#include <algorithm>
#include <tuple>

namespace tidelog::core {
namespace {

using Message = proto::FetchRequest;

constexpr std::int16_t kLastVersionWithNames = 12;

std::string context_of(const AssignedPartition& partition) {
  return "cannot read \"" + *partition.topic + "\" partition " + std::to_string(partition.index);
}

void encode_fetch(const FetchGroup& group, const Settings& settings, proto::Output& out, std::int16_t version) {
  std::vector<Message::FetchPartition> partitions;
  for (const auto& each : group.partitions) {
    Message::FetchPartition& partition = partitions.emplace_back();
    partition.partition = each->index;
    partition.fetch_offset = each->fetch_offset;
    partition.partition_max_bytes = settings.fetch_partition_bytes;
  }
  std::vector<Message::FetchTopic> topics;
  for (std::size_t first = 0, last = 0; first < partitions.size(); first = last) {
    const std::string& topic = *group.partitions[first]->topic;
    while (last < partitions.size() && *group.partitions[last]->topic == topic) ++last;
    topics.push_back({.topic = topic,
                      .topic_id = group.topic_ids[first],
                      .partitions = std::span<const Message::FetchPartition>(partitions).subspan(first, last - first)});
  }
  Message message;
  message.max_wait_ms = static_cast<std::int32_t>(settings.fetch_max_wait.count());
  message.min_bytes = settings.fetch_min_bytes;
  message.max_bytes = settings.fetch_max_bytes;
  message.topics = topics;
  message.rack_id = settings.client_rack;
  proto::encode(message, version, out);
}

/// Where an answer to ListOffsets says that reading goes on. One partition was asked about.
void take_new_start(const proto::ListOffsetsResponse& message, AssignedPartition& partition) {
  for (const auto& topic : message.topics) {
    for (const auto& found : topic.partitions) {
      if (found.error_code == 0 && found.offset >= 0) partition.fetch_offset = found.offset;
    }
  }
}

}  // namespace

void Fetcher::start() {
  listener_ = core_.cluster().on_change([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->pump();
  });
}

void Fetcher::stop() {
  is_stopped_ = true;
  assigned_.clear();
  core_.cluster().forget(listener_);
  if (timer_) core_.loop().cancel(*timer_);
}

void Fetcher::assign(std::vector<std::shared_ptr<AssignedPartition>> partitions) {
  ++generation_;
  assigned_ = std::move(partitions);
  std::sort(assigned_.begin(), assigned_.end(),
            [](const auto& a, const auto& b) { return std::tie(*a->topic, a->index) < std::tie(*b->topic, b->index); });
  for (const auto& partition : assigned_) core_.cluster().use_topic(*partition->topic);
  pump();
}

void Fetcher::pump() {
  if (is_stopped_ || is_pumping_) return;
  is_pumping_ = true;
  bool has_room = false;
  {
    const std::lock_guard lock(state_->mutex);
    has_room = state_->queued_bytes < static_cast<std::size_t>(core_.settings().fetch_queue_bytes);
  }
  if (has_room) {
    for (auto& [leader, partitions] : choose(Clock::now())) fetch(leader, std::move(partitions));
  }
  is_pumping_ = false;
  arm_timer();
}

std::map<std::int32_t, Fetcher::Partitions> Fetcher::choose(TimePoint now) {
  std::map<std::int32_t, Partitions> groups;
  const std::shared_ptr<const Metadata> metadata = core_.cluster().metadata();
  for (const auto& partition : assigned_) {
    if (partition->is_stopped || partition->fetch_offset >= partition->until || partition->retry_at > now) continue;
    const std::int32_t leader = metadata->leader_of(*partition->topic, partition->index);
    if (leader < 0) {
      core_.cluster().refresh_soon();
      continue;
    }
    if (busy_.contains(leader) || core_.cluster().ready_connection(leader) == nullptr) continue;
    groups[leader].push_back(partition);
  }
  // A broker fills its answer from the front: the turn lets each partition of a topic be first in time.
  ++turn_;
  for (auto& [leader, group] : groups) {
    const bool is_one_topic = *group.front()->topic == *group.back()->topic;
    if (is_one_topic) std::rotate(group.begin(), group.begin() + static_cast<std::ptrdiff_t>(turn_ % group.size()), group.end());
  }
  return groups;
}

void Fetcher::fetch(std::int32_t leader, Partitions partitions) {
  const std::shared_ptr<const Metadata> metadata = core_.cluster().metadata();
  FetchGroup group{.partitions = std::move(partitions), .topic_ids = {}};
  for (const auto& partition : group.partitions) group.topic_ids.push_back(metadata->topic(*partition->topic)->id);
  const bool has_ids = std::none_of(group.topic_ids.begin(), group.topic_ids.end(), [](const Uuid& id) { return id.is_zero(); });
  const Settings& settings = core_.settings();
  Request request;
  request.api_key = Message::kKey;
  request.min_version = Message::kMinVersion;
  request.max_version = has_ids ? Message::kMaxVersion : kLastVersionWithNames;
  request.deadline = Clock::now() + settings.request_timeout + settings.fetch_max_wait;
  request.encode = [group, &settings](proto::Output& out, std::int16_t version) { encode_fetch(group, settings, out, version); };
  request.answer = [weak = weak_from_this(), leader, group, generation = generation_](result<Answer> answer) {
    const auto self = weak.lock();
    if (!self || self->is_stopped_) return;
    self->busy_.erase(leader);
    self->on_answer(generation == self->generation_ ? group : self->still_assigned(group), std::move(answer));
    self->pump();
  };
  busy_.insert(leader);
  core_.cluster().request(Target::node(leader), std::move(request));
}

FetchGroup Fetcher::still_assigned(const FetchGroup& group) const {
  const std::set<std::shared_ptr<AssignedPartition>> assigned(assigned_.begin(), assigned_.end());
  FetchGroup still;
  for (std::size_t i = 0; i < group.partitions.size(); ++i) {
    if (!assigned.contains(group.partitions[i])) continue;
    still.partitions.push_back(group.partitions[i]);
    still.topic_ids.push_back(group.topic_ids[i]);
  }
  return still;
}

void Fetcher::on_answer(const FetchGroup& group, result<Answer> answer) {
  const auto fail = [&](const error& why) {
    core_.cluster().refresh_soon();
    for (const auto& partition : group.partitions) {
      back_off(*partition);
      if (!why.retriable()) tell(*partition, why);
    }
  };
  if (!answer) return fail(answer.error());
  const result<proto::FetchResponse> message = read_answer<proto::FetchResponse>(*answer);
  if (!message) return fail(message.error());
  if (message->error_code != 0) return fail(error::from_kafka(message->error_code, "cannot fetch from " + answer->broker));
  for (const auto& topic : message->responses) on_topic(group, *answer, topic);
}

void Fetcher::on_topic(const FetchGroup& group, const Answer& answer, const proto::FetchResponse::FetchableTopicResponse& topic) {
  for (const auto& data : topic.partitions) {
    for (std::size_t i = 0; i < group.partitions.size(); ++i) {
      const std::shared_ptr<AssignedPartition>& asked = group.partitions[i];
      const bool is_topic = answer.version > kLastVersionWithNames ? group.topic_ids[i] == topic.topic_id : *asked->topic == topic.topic;
      if (is_topic && asked->index == data.partition_index) on_partition(*asked, asked, answer, data);
    }
  }
}

void Fetcher::on_partition(AssignedPartition& partition, const std::shared_ptr<AssignedPartition>& owner, const Answer& answer,
                           const proto::FetchResponse::PartitionData& data) {
  const auto code = static_cast<ErrorCode>(data.error_code);
  if (code == ErrorCode::offset_out_of_range && reset_ != OffsetReset::none) return reset(owner);
  if (code != ErrorCode::none) return on_error(partition, code);
  if (partition.failures > 0) {
    const std::lock_guard lock(state_->mutex);
    state_->trouble.reset();
  }
  partition.failures = 0;
  if (!data.records.is_null() && !data.records.bytes.empty()) take_records(owner, answer, data.records.bytes);
}

void Fetcher::on_error(AssignedPartition& partition, ErrorCode code) {
  if (retriable(code)) {
    core_.cluster().refresh_soon();
    {
      const std::lock_guard lock(state_->mutex);
      state_->trouble = error::from_kafka(static_cast<int>(code), context_of(partition)).set_topic(*partition.topic, partition.index);
    }
    return back_off(partition);
  }
  error why = error::from_kafka(static_cast<int>(code), context_of(partition));
  if (code == ErrorCode::offset_out_of_range) {
    why.set_message(context_of(partition) + ": offset " + std::to_string(partition.fetch_offset) + " is outside what it holds");
  }
  tell(partition, why.set_topic(*partition.topic, partition.index));
}

void Fetcher::take_records(const std::shared_ptr<AssignedPartition>& partition, const Answer& answer, Bytes records) {
  const std::int64_t from = partition->fetch_offset;
  proto::BatchCursor cursor(records);
  std::int64_t next_offset = from;
  while (true) {
    const Result<std::optional<proto::BatchView>> batch = cursor.next();
    const bool is_bad = !batch || (*batch && (!(*batch)->is_consistent() || (*batch)->next_offset().value < next_offset));
    if (is_bad) {
      error bad(errc::bad_answer, context_of(*partition) + ": what follows offset " + std::to_string(next_offset) + " is damaged");
      return tell(*partition, bad.set_topic(*partition->topic, partition->index));
    }
    if (!*batch) break;
    next_offset = (*batch)->next_offset().value;
  }
  if (next_offset == from) {
    error large(errc::too_large, context_of(*partition) + ": the batch at offset " + std::to_string(from) + " did not come whole");
    return tell(*partition,
                large.set_hint("raise max.partition.fetch.bytes and fetch.max.bytes").set_topic(*partition->topic, partition->index));
  }
  partition->fetch_offset = next_offset;
  {
    const std::lock_guard lock(state_->mutex);
    state_->queued_bytes += records.size();
    state_->slices.push_back({.partition = partition, .frame = answer.frame, .records = records, .from = from});
  }
  state_->changed.notify_all();
}

void Fetcher::reset(const std::shared_ptr<AssignedPartition>& partition) {
  using Ask = proto::ListOffsetsRequest;
  Request request;
  request.api_key = Ask::kKey;
  request.min_version = Ask::kMinVersion;
  request.max_version = Ask::kMaxVersion;
  request.deadline = Clock::now() + core_.settings().request_timeout;
  const std::int64_t where = reset_ == OffsetReset::earliest ? -2 : -1;
  request.encode = [partition, where](proto::Output& out, std::int16_t version) {
    const Ask::ListOffsetsPartition one{.partition_index = partition->index, .current_leader_epoch = -1, .timestamp = where};
    const Ask::ListOffsetsTopic topic{.name = *partition->topic, .partitions = std::span(&one, 1)};
    Ask message;
    message.replica_id = -1;
    message.topics = std::span(&topic, 1);
    proto::encode(message, version, out);
  };
  request.answer = [weak = weak_from_this(), partition](result<Answer> answer) {
    const auto self = weak.lock();
    if (!self || self->is_stopped_ || !answer) return;
    const result<proto::ListOffsetsResponse> message = read_answer<proto::ListOffsetsResponse>(*answer);
    if (message) take_new_start(*message, *partition);
  };
  back_off(*partition);  // Until the answer is here; without one, the next fetch says again that the offset is outside.
  core_.cluster().request(Target::node(core_.cluster().metadata()->leader_of(*partition->topic, partition->index)), std::move(request));
}

void Fetcher::back_off(AssignedPartition& partition) {
  const Settings& settings = core_.settings();
  const Milliseconds pause = std::min(settings.retry_backoff * (1 << std::min(partition.failures++, 10)), settings.retry_backoff_max);
  partition.retry_at = Clock::now() + pause;
}

void Fetcher::tell(AssignedPartition& partition, error why) {
  partition.is_stopped = true;
  {
    const std::lock_guard lock(state_->mutex);
    state_->errors.push_back(std::move(why));
  }
  state_->changed.notify_all();
}

void Fetcher::arm_timer() {
  if (timer_) core_.loop().cancel(*timer_);
  timer_.reset();
  const TimePoint now = Clock::now();
  std::optional<TimePoint> next;
  for (const auto& partition : assigned_) {
    if (!partition->is_stopped && partition->retry_at > now && (!next || partition->retry_at < *next)) next = partition->retry_at;
  }
  if (!next || is_stopped_) return;
  timer_ = core_.loop().call_at(*next, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->timer_.reset();
    self->pump();
  });
}

}  // namespace tidelog::core
