#include "broker/coordinators/hosted_groups.h"

#include "broker/coordinators/stored_records.h"
#include "broker/logging/log.h"
#include "broker/partition/services.h"
#include "broker/shard/let_others_go_on.h"
#include "broker/shard/run_on.h"
#include "broker/shard/spawn_apart.h"

#include <algorithm>

namespace tidelog::broker {
namespace {

/// The one who waits for the log inside of a coroutine.
struct Wait final : AckWaiter {
  explicit Wait(asio::any_io_executor executor) : done(std::move(executor)) {}
  void on_outcome(ErrorCode said) override {
    outcome = said;
    done.notify();
  }
  Signal done;
  ErrorCode outcome = ErrorCode::none;
};

/// One in so many bytes that groups may take is kept for those that are there.
constexpr std::size_t kPartForKnown = 4;

/// So much of a view is replayed before others have their turn.
constexpr std::size_t kReplayedAtOnce = 256 * 1024;

/// What one record too many for a batch, or one too large, is called by whoever committed it.
ErrorCode too_large(const GroupRecord& first) {
  return std::holds_alternative<OffsetRecord>(first) ? ErrorCode::invalid_commit_offset_size : ErrorCode::unknown_server_error;
}

std::string group_of(const GroupRecord& record) {
  const auto visit = [](const auto& its) -> std::string {
    if constexpr (requires { its.group; }) {
      return legible(its.group, kMostNameBytes);
    } else {
      return {};
    }
  };
  return std::visit(visit, record);
}

/// A value that is there and empty is not a tombstone.
Bytes value_of(const StoredRecord& stored) {
  static constexpr std::byte kEmpty{};
  if (!stored.value) return {};
  return stored.value->empty() ? Bytes{&kEmpty, 0} : Bytes{*stored.value};
}

}  // namespace

ErrorCode to_coordinator_error(ErrorCode from_partition) {
  switch (from_partition) {
    case ErrorCode::none: return ErrorCode::none;
    // It may still be committed, or there is no room now: asking again later is right.
    case ErrorCode::request_timed_out:
    case ErrorCode::kafka_storage_error:
    case ErrorCode::not_enough_replicas:
    case ErrorCode::not_enough_replicas_after_append: return ErrorCode::coordinator_not_available;
    default: return ErrorCode::not_coordinator;
  }
}

HostedGroups::HostedGroups(const CoordinatorHost& host, TopicPartition id) : host_(host), id_(id), view_(host.shard, id) {}

Partition* HostedGroups::partition() const { return host_.shard.partitions.find(id_); }

asio::awaitable<void> HostedGroups::load() {
  const std::shared_ptr<HostedGroups> self = shared_from_this();
  const Result<void> read = co_await replay_all();
  if (state_ != State::loading) co_return;
  if (!read) {
    state_ = State::failed;
    failed_at_ = host_.shard.shard.loop().now();
    log_error(
        "the groups in partition {} of __consumer_offsets cannot be loaded ({}): clients of those groups get "
        "COORDINATOR_NOT_AVAILABLE. It is tried again when a client asks",
        id_.partition.value, name(read.error()));
    co_return;
  }
  if (unreadable_ > 0) {
    log_error("{} records in partition {} of __consumer_offsets are not what they say they are: they were passed over", unreadable_,
              id_.partition.value);
  }
  state_ = State::active;
  step([](GroupMachine& machine, Step& step) {
    machine.loaded(step);
    return 0;
  });
  consider_view();
}

asio::awaitable<Result<void>> HostedGroups::replay_all() {
  Result<void> replayed = co_await replay_log(co_await replay_view());
  if (replayed || replayed.error() != Errc::out_of_range || !has_view_) co_return replayed;
  // What is missing of the log may have been the end of something that the view still has.
  {
    const Turns::Turn turn = co_await host_.viewing.take();
    co_await view_.discard();
  }
  has_view_ = false;
  machine_ = std::make_unique<GroupMachine>();
  unreadable_ = unviewed_bytes_ = 0;
  co_return co_await replay_log(first_offset());
}

Offset HostedGroups::first_offset() const {
  const Partition* const log = partition();
  return log == nullptr ? Offset{0} : log->state().log_start;
}

asio::awaitable<Offset> HostedGroups::replay_view() {
  std::optional<GroupsView::Start> start;
  // Before it is its turn: who has none does not wait for others'.
  if (host_.shard.options->group_view_bytes > 0 && co_await view_.exists()) {
    const Turns::Turn turn = co_await host_.viewing.take();
    start = co_await view_.load();
  }
  if (!start || state_ != State::loading) co_return first_offset();
  has_view_ = true;
  std::size_t since_break = 0;
  for (const storage::KeyValue& record : start->records) {
    replay(std::as_bytes(std::span(record.key)), std::as_bytes(std::span(record.value)), std::nullopt);
    since_break += record.key.size() + record.value.size();
    if (since_break < kReplayedAtOnce) continue;
    since_break = 0;
    count_memory();
    co_await let_others_go_on(host_.shard.shard.loop());
    if (state_ != State::loading) break;
  }
  count_memory();
  co_return start->next;
}

asio::awaitable<Result<void>> HostedGroups::replay_log(Offset next) {
  for (Partition* log = partition(); log != nullptr; log = partition()) {
    const auto most = static_cast<std::size_t>(std::max(host_.shard.options->offsets_load_buffer_size, 1));
    const Result<storage::Slice> slice = log->read(next, most, true);
    if (!slice) co_return slice.error();
    if (!slice->empty()) {
      if (const Result<void> replayed = co_await read_and_replay(*slice); !replayed) co_return replayed;
      next = slice->next_offset;
    } else if (log->state().high_watermark >= log->state().log_end) {
      co_return Result<void>();
    } else if (const ErrorCode error = co_await committed(); error != ErrorCode::none) {  // An earlier coordinator's records are under way.
      co_return Errc::io;
    }
  }
  co_return Errc::not_leader;
}

asio::awaitable<Result<void>> HostedGroups::read_and_replay(storage::Slice slice) {
  Result<std::vector<std::byte>> bytes = Errc::closed;
  co_await run_blocking(host_.shard.shard.env(), host_.shard.shard.loop(), [&] { bytes = read_whole(slice); });
  if (!bytes) co_return bytes.error();
  if (state_ != State::loading) co_return Errc::not_leader;
  const Result<void> replayed = replay(Bytes{*bytes});
  count_memory();
  if (!replayed) co_return replayed;
  unviewed_bytes_ += slice.size_bytes;
  co_await let_others_go_on(host_.shard.shard.loop());
  co_return Result<void>();
}

Result<void> HostedGroups::replay(Bytes batches) {
  const auto visit = [this](const proto::RecordView& record) { replay(record.key, record.value, record.offset); };
  const Result<StoredWalk> walk = for_each_stored(batches, reader_, visit);
  if (!walk) return walk.error();
  if (has_view_ && !walk->is_as_written) return Errc::out_of_range;
  return {};
}

void HostedGroups::replay(Bytes key, Bytes value, std::optional<Offset> at) {
  const Result<GroupRecord> decoded = decode_group_record(key, value);
  if (decoded) return machine_->replay(*decoded);
  ++unreadable_;
  if (unreadable_ == 1) {
    log_warn("the record {} partition {} of __consumer_offsets cannot be read ({}) and is passed over",
             at ? fmt::format("at offset {} in", at->value) : "in the view of", id_.partition.value, name(decoded.error()));
  }
}

void HostedGroups::consider_view() {
  const auto most = static_cast<std::uint64_t>(host_.shard.options->group_view_bytes);
  if (most == 0 || unviewed_bytes_ < most || is_catching_up_ || state_ != State::active) return;
  if (host_.gate.is_closed() || host_.is_starting) return;
  is_catching_up_ = true;
  spawn_apart(host_.shard.shard.loop(), catch_up_view());
}

asio::awaitable<void> HostedGroups::catch_up_view() {
  const std::shared_ptr<HostedGroups> self = shared_from_this();
  const Gate::Pass pass = host_.gate.enter();
  const Turns::Turn turn = co_await host_.viewing.take();
  // Even if it fails: the next try comes when there is as much again.
  unviewed_bytes_ = 0;
  const auto goes_on = [this] { return state_ == State::active && !host_.gate.is_closed(); };
  if (goes_on()) co_await view_.catch_up(goes_on);
  is_catching_up_ = false;
}

GroupRoom HostedGroups::room_for(std::string_view asked_by) const {
  const auto limit = static_cast<std::size_t>(group_memory_bytes(*host_.shard.options));
  return {.for_known = host_.memory.left(limit), .for_newcomers = host_.memory.left(limit - limit / kPartForKnown), .asked_by = asked_by};
}

void HostedGroups::count_memory() {
  const std::size_t now = state_ == State::gone ? 0 : machine_->bytes();
  host_.memory.change(std::exchange(counted_bytes_, now), now);
}

Step HostedGroups::begin_step(std::vector<LateAnswer>& late, GroupRoom& room) {
  Loop& loop = host_.shard.shard.loop();
  return {.log = *this,
          .settings = host_.settings.for_all(),
          .topics = host_.topics,
          .now = loop.now(),
          .wall_clock = loop.wall_clock(),
          .late = late,
          .own_settings = &host_.settings,
          .room = &room};
}

void HostedGroups::end_step(std::vector<LateAnswer> late, const GroupRoom& room) {
  count_memory();
  if (room.refused > 0) {
    host_.shard.shard.limits().hit(Limit::group_memory_bytes, host_.shard.shard.loop().now(),
                                   "refused a new group, member or offset from {}: {} bytes are taken", room.asked_by, host_.memory.used());
  }
  if (!late.empty()) hold(std::move(late));
  arm();
}

void HostedGroups::arm() {
  const std::optional<Moment> when = machine_->wake_at();
  if (when) {
    host_.shard.shard.timers().arm(timer_, *when);
  } else {
    timer_.cancel();
  }
}

void HostedGroups::on_timer() {
  if (state_ != State::active) return;
  step([](GroupMachine& machine, Step& step) {
    machine.tick(step);
    return 0;
  });
}

Result<void, ErrorCode> HostedGroups::append(std::span<const GroupRecord> records) {
  Partition* const log = partition();
  if (log == nullptr) return ErrorCode::not_coordinator;
  const TimestampMs now = host_.shard.shard.loop().wall_clock();
  builder_.clear();
  const auto most_bytes = static_cast<std::size_t>(log->config().max_message_bytes);
  for (const GroupRecord& record : records) {
    const StoredRecord stored = encode(record);
    const proto::NewRecord added{.timestamp = now, .key = stored.key, .value = value_of(stored), .headers = {}};
    if (builder_.size_with(added) > most_bytes) return refuse_too_large(records, most_bytes);
    builder_.append(added);
  }
  const MutableBytes batch = builder_.build_mutable({});
  const std::size_t size_bytes = batch.size();
  const Result<Offset, ErrorCode> end = log->append_own(batch);
  if (!end) return to_coordinator_error(end.error());
  unviewed_bytes_ += size_bytes;
  consider_view();
  return {};
}

ErrorCode HostedGroups::refuse_too_large(std::span<const GroupRecord> records, std::size_t most_bytes) {
  std::size_t bytes = 0;
  for (const GroupRecord& record : records) {
    const StoredRecord stored = encode(record);
    bytes += stored.key.size() + value_of(stored).size();
  }
  host_.shard.shard.limits().hit(Limit::group_records, host_.shard.shard.loop().now(),
                                 "group '{}' stays as it was: {} records of {} bytes that it had to store at once are more than a batch of "
                                 "__consumer_offsets may have (max.message.bytes={})",
                                 group_of(records.front()), records.size(), bytes, most_bytes);
  return too_large(records.front());
}

asio::awaitable<ErrorCode> HostedGroups::committed() {
  const std::shared_ptr<HostedGroups> self = shared_from_this();
  Partition* const log = partition();
  if (log == nullptr) co_return ErrorCode::not_coordinator;
  const PartitionState state = log->state();
  if (state.high_watermark >= state.log_end) co_return ErrorCode::none;
  Wait wait(host_.shard.shard.loop().executor());
  wait.patience = std::chrono::milliseconds(host_.shard.options->offsets_commit_timeout_ms);
  log->await_committed(wait, state.log_end);
  co_await wait.done.wait();
  if (wait.outcome != ErrorCode::none && wait.outcome != ErrorCode::request_timed_out) give_up();
  co_return to_coordinator_error(wait.outcome);
}

Ticket HostedGroups::expect(std::shared_ptr<LateMail> mail) {
  const Ticket ticket = next_ticket_++;
  waiting_.emplace(ticket, std::move(mail));
  return ticket;
}

void HostedGroups::hold(std::vector<LateAnswer> late) {
  Partition* const log = partition();
  // Without a log they say that the coordinator has gone.
  if (log == nullptr || log->state().high_watermark >= log->state().log_end) return deliver(std::move(late));
  auto* const held = new Held(shared_from_this(), std::move(late));  // It ends itself, once, in `on_outcome`.
  held->patience = std::chrono::milliseconds(host_.shard.options->offsets_commit_timeout_ms);
  log->await_committed(*held, log->state().log_end);
}

void HostedGroups::Held::on_outcome(ErrorCode outcome) {
  const std::unique_ptr<Held> self(this);
  const ErrorCode error = to_coordinator_error(outcome);
  if (error != ErrorCode::none) {
    for (LateAnswer& answer : late) std::visit([&](auto& said) { said = {.error = error}; }, answer.answer);
  }
  owner->deliver(std::move(late));
  if (outcome != ErrorCode::none && outcome != ErrorCode::request_timed_out) owner->give_up();
}

void HostedGroups::deliver(std::vector<LateAnswer> late) {
  for (LateAnswer& answer : late) {
    auto node = waiting_.extract(answer.ticket);
    if (!node.empty()) LateMail::send(std::move(node.mapped()), std::move(answer.answer));
  }
}

void HostedGroups::give_up() {
  if (state_ == State::gone) return;
  state_ = State::gone;
  count_memory();
  timer_.cancel();
  std::vector<LateAnswer> late;
  machine_->abandon(ErrorCode::not_coordinator, late);
  deliver(std::move(late));
}

}  // namespace tidelog::broker
