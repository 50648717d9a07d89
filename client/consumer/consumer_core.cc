#include "client/consumer/consumer_core.h"

#include "client/admin/offsets.h"

#include <algorithm>

namespace tidelog {
namespace core {
namespace {

/// What one poll unpacks, about: enough to pay for the call, little enough to stay in the cache and to bound what compression hides.
constexpr std::size_t kPollBytes = 1 << 20;

}  // namespace

ConsumerCore::ConsumerCore(std::shared_ptr<ClientCore> client)
    : client_(std::move(client)), fetcher_(std::make_shared<Fetcher>(*client_, state_)) {
  client_->loop().run_and_wait([this] { fetcher_->start(); });
}

ConsumerCore::~ConsumerCore() {
  leave_group();
  client_->loop().run_and_wait([this] { fetcher_->stop(); });
}

result<void> ConsumerCore::assign(const std::vector<assignment>& partitions) {
  leave_group();
  const TimePoint deadline = client_->api_deadline();
  std::vector<OffsetQuery> queries;
  for (const assignment& each : partitions) {
    queries.push_back({.topic = each.topic(), .partition = each.partition(), .where = each.from()});
    if (each.until()) queries.push_back({.topic = each.topic(), .partition = each.partition(), .where = *each.until()});
  }
  const result<std::vector<std::int64_t>> offsets = look_up_offsets(*client_, queries, deadline);
  if (!offsets) return offsets.error();
  std::vector<std::shared_ptr<AssignedPartition>> assigned;
  auto offset = offsets->begin();
  for (const assignment& each : partitions) {
    auto partition = std::make_shared<AssignedPartition>();
    partition->topic = std::make_shared<const std::string>(each.topic());
    partition->index = each.partition();
    partition->position = partition->fetch_offset = *offset++;
    if (each.until()) partition->until = *offset++;
    assigned.push_back(std::move(partition));
  }
  client_->loop().run_and_wait([this] { fetcher_->set_reset(client_->settings().offset_reset.value_or(OffsetReset::none)); });
  replace({});
  forget_errors();
  replace(std::move(assigned));
  return {};
}

void ConsumerCore::replace(std::vector<std::shared_ptr<AssignedPartition>> partitions) {
  const auto is_gone = [&](const Slice& slice) { return std::ranges::find(partitions, slice.partition) == partitions.end(); };
  if (current_ && is_gone(*current_)) current_.reset();
  client_->loop().run_and_wait([&] {
    {
      const std::lock_guard lock(state_->mutex);
      std::erase_if(state_->slices, is_gone);
      state_->queued_bytes = 0;
      for (const Slice& slice : state_->slices) state_->queued_bytes += slice.records.size();
    }
    fetcher_->assign(partitions);
  });
  assigned_ = std::move(partitions);
}

void ConsumerCore::forget_errors() {
  pending_.reset();
  const std::lock_guard lock(state_->mutex);
  state_->errors.clear();
  state_->trouble.reset();
}

bool ConsumerCore::finished() const {
  if (group_ && !group_->has_assigned_all()) return false;
  return std::all_of(assigned_.begin(), assigned_.end(), [](const auto& each) { return each->position >= each->until; });
}

std::int64_t ConsumerCore::position(std::string_view topic, std::int32_t partition) const {
  for (const auto& each : assigned_) {
    if (*each->topic == topic && each->index == partition) return each->position;
  }
  return -1;
}

result<bool> ConsumerCore::next_slice(TimePoint deadline) {
  bool had_no_room = false;
  {
    std::unique_lock lock(state_->mutex);
    const bool is_there = state_->changed.wait_until(
        lock, deadline, [&] { return !state_->slices.empty() || !state_->errors.empty() || state_->has_change; });
    if (!is_there || state_->has_change) return false;
    if (state_->slices.empty()) {
      error why = std::move(state_->errors.front());
      state_->errors.pop_front();
      return why;
    }
    current_ = std::move(state_->slices.front());
    state_->slices.pop_front();
    had_no_room = state_->queued_bytes >= static_cast<std::size_t>(client_->settings().fetch_queue_bytes);
    state_->queued_bytes -= current_->records.size();
  }
  if (had_no_room) {
    client_->loop().post([weak = std::weak_ptr(fetcher_)] {
      if (const auto fetcher = weak.lock()) fetcher->pump();
    });
  }
  return true;
}

error ConsumerCore::damaged(const AssignedPartition& partition, std::string_view how) const {
  std::string text = "cannot read \"" + *partition.topic + "\" partition " + std::to_string(partition.index) + ": the batch at offset " +
                     std::to_string(partition.position) + " " + std::string(how);
  return error(errc::bad_answer, std::move(text)).set_topic(*partition.topic, partition.index);
}

result<record_batch> ConsumerCore::unpack_some() {
  AssignedPartition& partition = *current_->partition;
  auto data = std::make_unique<BatchData>(partition.topic, current_->frame);
  proto::BatchCursor cursor(current_->records);
  std::optional<error> bad;
  bool is_done = false;
  while (!is_done && !bad && data->size_bytes() < kPollBytes && partition.position < partition.until) {
    const Result<std::optional<proto::BatchView>> next = cursor.next();
    is_done = !next || !*next;  // The fetcher walked over it once: it is whole.
    if (is_done) break;
    const proto::BatchView& batch = **next;
    if (client_->settings().checks_crcs && !batch.crc_ok())
      bad = damaged(partition, "has a wrong checksum");
    else if (!data->add(batch, partition.index, partition.position, partition.until))
      bad = damaged(partition, "cannot be unpacked");
    if (!bad) partition.position = std::max(partition.position, batch.next_offset().value);
  }
  current_->records = cursor.rest();
  if (is_done || bad || partition.position >= partition.until || current_->records.empty()) current_.reset();
  if (bad) {
    // Records of whole batches before it are good, and are handed out first.
    if (data->records().empty()) return *bad;
    pending_ = std::move(bad);
  }
  data->finish();
  return record_batch(std::move(data));
}

result<record_batch> ConsumerCore::poll(Milliseconds timeout) {
  const TimePoint deadline = Clock::now() + timeout;
  if (const result<void> served = serve_group(deadline); !served) return served.error();
  if (pending_) return *std::exchange(pending_, std::nullopt);
  while (!finished()) {
    if (!current_) {
      const result<bool> is_there = next_slice(deadline);
      if (!is_there) return is_there.error();
      const bool has_change = group_ && group_->has_change();
      if (!*is_there && (!has_change || Clock::now() >= deadline)) break;
      if (const result<void> served = serve_group(deadline); !served) return served.error();
      if (!current_) continue;
    }
    result<record_batch> batch = unpack_some();
    if (!batch || !batch->empty()) return batch;
  }
  // What the group gives next may come at any time.
  if (group_ && finished()) wait_for_change(deadline);
  return record_batch();
}

std::optional<error> ConsumerCore::trouble() const {
  const std::lock_guard lock(state_->mutex);
  return state_->trouble;
}

}  // namespace core

consumer::consumer(std::shared_ptr<core::ConsumerCore> core) : core_(std::move(core)) {}
consumer::consumer(consumer&&) noexcept = default;
consumer& consumer::operator=(consumer&&) noexcept = default;
consumer::~consumer() = default;

result<void> consumer::subscribe(const subscription& what) { return core_->subscribe(what); }
result<void> consumer::commit() { return core_->commit(); }
result<void> consumer::commit(const std::vector<group_offset>& offsets) { return core_->commit(offsets); }
result<void> consumer::close() { return core_->close(); }
std::vector<topic_partition> consumer::assigned() const { return core_->assigned(); }
result<void> consumer::assign(const std::vector<assignment>& partitions) { return core_->assign(partitions); }
result<record_batch> consumer::poll(std::chrono::milliseconds timeout) { return core_->poll(timeout); }
bool consumer::finished() const { return core_->finished(); }
std::optional<error> consumer::trouble() const { return core_->trouble(); }
std::int64_t consumer::position(std::string_view topic, std::int32_t partition) const { return core_->position(topic, partition); }

}  // namespace tidelog
