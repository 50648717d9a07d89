#include "broker/handlers/fetch_reader.h"

#include "broker/handlers/per_partition.h"

namespace tidelog::broker {

/// What wakes the fetch. Shared, since a shard may have a wake-up under way when the fetch has long been answered.
struct FetchReader::Waiting {
  explicit Waiting(Loop& home) : loop(home), signal(home.executor()) {}
  Loop& loop;
  Signal signal;
};

/// What one answer may still hold. Goes from shard to shard with the reading.
struct FetchReader::Allowance {
  std::int64_t bytes;
  bool has_records = false;
};

/// The queries that one shard answers. Made here, used on that shard only, one step at a time.
struct FetchReader::Group : std::enable_shared_from_this<FetchReader::Group> {
  struct Watch final : FetchWatch {
    void on_more(std::int64_t bytes) override { group->on_more(bytes); }
    Group* group = nullptr;
  };

  void answer(Allowance& allowance, bool watch);
  void tell_unreadable(Partition& partition, std::int64_t offset, Errc why) const;
  void answer_one(Partition& partition, FetchQuery& query, Allowance& allowance);
  static bool check_position(Partition& partition, FetchQuery& query);
  void on_more(std::int64_t bytes);

  ShardServices* shard = nullptr;
  std::vector<FetchQuery*> queries;
  std::vector<std::unique_ptr<Watch>> watches;
  std::shared_ptr<Waiting> waiting;
  std::int64_t missing_bytes = 0;  ///< Wakes the fetch once partitions of this shard have brought so much.
  bool has_told = false;
};

/// Whether there is something to read where the client stands; if not, the query says why.
bool FetchReader::Group::check_position(Partition& partition, FetchQuery& query) {
  const PartitionState state = partition.state();
  query.leader_epoch = state.leader_epoch.value;
  query.error = check_leader_epoch(query.current_leader_epoch, state.leader_epoch);
  if (query.error != ErrorCode::none) return false;
  const auto end = query.last_fetched_epoch >= 0 ? partition.end_of_epoch({query.last_fetched_epoch}) : storage::EpochEnd{};
  const bool epoch_is_unknown = query.last_fetched_epoch >= 0 && end.epoch.value < 0;
  const bool diverges = end.epoch.value >= 0 && (end.epoch.value < query.last_fetched_epoch || end.end_offset.value < query.fetch_offset);
  const bool is_inside = query.fetch_offset >= state.log_start.value && query.fetch_offset <= state.log_end.value;
  if (epoch_is_unknown || (!diverges && !is_inside)) {
    query.error = ErrorCode::offset_out_of_range;
    return false;
  }
  query.high_watermark = state.high_watermark.value;
  query.log_start = state.log_start.value;
  if (diverges) {
    query.diverging_epoch = end.epoch.value;
    query.diverging_end = end.end_offset.value;
  }
  return !diverges;
}

void FetchReader::Group::tell_unreadable(Partition& partition, std::int64_t offset, Errc why) const {
  const storage::Log& log = partition.log();
  const storage::DamagedRange* damaged = log.damage().at_or_after({offset});
  std::string cause = std::string(name(why)) + ": a file there is missing, changed or unreadable";
  if (log.is_offline()) cause = log.offline_reason();
  if (damaged != nullptr && damaged->holds({offset})) {
    cause = storage::describe(log.directory(), *damaged) + ". Consumers go on behind it from offset " + std::to_string(damaged->to.value);
  }
  shard->limited.warn(shard->shard.loop().now(), "a partition that cannot be read",
                      "cannot read {} at offset {}: {}. Nothing else is affected", log.directory(), offset, cause);
}

void FetchReader::Group::answer_one(Partition& partition, FetchQuery& query, Allowance& allowance) {
  query.forget_answer();
  if (!check_position(partition, query)) return;
  const std::int64_t limit = std::max<std::int64_t>(std::min<std::int64_t>(query.max_bytes, allowance.bytes), 0);
  // Whatever the limits say, one batch is given whole, or a client with small limits would never get on.
  const bool is_first = !allowance.has_records;
  if (limit == 0 && !is_first) return;
  Result<storage::Slice> slice = partition.read({query.fetch_offset}, static_cast<std::size_t>(limit), is_first);
  if (!slice) {
    query.error = slice.error() == Errc::out_of_range ? ErrorCode::offset_out_of_range : ErrorCode::kafka_storage_error;
    if (query.error == ErrorCode::kafka_storage_error) tell_unreadable(partition, query.fetch_offset, slice.error());
    return;
  }
  query.slice = std::move(*slice);
  if (query.slice.size_bytes == 0) return;
  allowance.has_records = true;
  allowance.bytes -= static_cast<std::int64_t>(query.slice.size_bytes);
}

void FetchReader::Group::answer(Allowance& allowance, bool watch) {
  watches.clear();
  has_told = false;
  for (FetchQuery* query : queries) {
    Partition* partition = shard->partitions.find(query->id);
    if (partition == nullptr) {
      query->forget_answer();
      query->error = why_absent(*shard, query->id);
      continue;
    }
    answer_one(*partition, *query, allowance);
    if (!watch) continue;
    missing_bytes -= static_cast<std::int64_t>(query->slice.size_bytes);
    watches.push_back(std::make_unique<Watch>());
    watches.back()->group = this;
    partition->watch(*watches.back());
  }
}

void FetchReader::Group::on_more(std::int64_t bytes) {
  missing_bytes -= bytes;
  if (has_told || (bytes >= 0 && missing_bytes > 0)) return;
  has_told = true;
  if (&waiting->loop == &shard->shard.loop()) return waiting->signal.notify();
  waiting->loop.post([keep = waiting] { keep->signal.notify(); });
}

FetchReader::FetchReader(HandlerContext context, std::vector<FetchQuery>& queries, Limits limits)
    : context_(context), queries_(queries), limits_(limits) {
  for (FetchQuery& query : queries_) {
    if (query.error != ErrorCode::none) continue;
    ShardServices& owner = context_.node.owner_of(query.id);
    auto known = std::ranges::find_if(groups_, [&](const auto& group) { return group->shard == &owner; });
    if (known == groups_.end()) {
      groups_.push_back(std::make_shared<Group>());
      known = std::prev(groups_.end());
      (*known)->shard = &owner;
    }
    (*known)->queries.push_back(&query);
  }
}

FetchReader::~FetchReader() {
  if (!is_watching_) return;
  // An error ended the wait: what partitions of other shards know of it goes on their loops.
  for (const auto& group : groups_) group->shard->shard.loop().post([group] { group->watches.clear(); });
}

bool FetchReader::read_here() {
  const bool is_here = groups_.empty() || (groups_.size() == 1 && groups_.front()->shard == &context_.here);
  if (!is_here) return false;
  Allowance allowance{.bytes = limits_.max_bytes};
  for (const auto& group : groups_) group->answer(allowance, false);
  return true;
}

asio::awaitable<void> FetchReader::collect(bool watch) {
  is_watching_ |= watch;
  Allowance allowance{.bytes = limits_.max_bytes};
  for (const auto& group : groups_) {
    // Shards do not add up their bytes, so with several of them any progress is worth another look.
    group->missing_bytes = groups_.size() == 1 ? limits_.min_bytes : 1;
    co_await run_on(group->shard->shard.loop(), context_.loop(), [group, &allowance, watch] { group->answer(allowance, watch); });
  }
}

asio::awaitable<void> FetchReader::stop_watching() {
  for (const auto& group : groups_) {
    co_await run_on(group->shard->shard.loop(), context_.loop(), [group] { group->watches.clear(); });
  }
  is_watching_ = false;
}

bool FetchReader::is_enough() const {
  if (queries_.empty() || limits_.max_wait <= SteadyTime::zero()) return true;  // Nothing will ever come, or in time.
  std::int64_t bytes = 0;
  for (const FetchQuery& query : queries_) {
    if (query.error != ErrorCode::none || query.diverging_epoch >= 0 || query.diverging_end >= 0) return true;
    bytes += static_cast<std::int64_t>(query.slice.size_bytes);
  }
  return bytes >= limits_.min_bytes;
}

asio::awaitable<void> FetchReader::wait() {
  waiting_ = std::make_shared<Waiting>(context_.loop());
  for (const auto& group : groups_) group->waiting = waiting_;
  bool is_over = false;
  Timer deadline([&] {
    is_over = true;
    waiting_->signal.notify();
  });
  context_.here.shard.timers().arm_in(deadline, limits_.max_wait);
  ClientState& client = context_.connection.client();
  while (!is_over && !client.is_leaving && !client.is_hurried) {
    // Watched before it is judged: what comes between the reading and the waiting is not missed.
    co_await collect(true);
    if (is_enough()) break;
    client.waits_on = &waiting_->signal;
    client.waits_for_records = true;
    co_await waiting_->signal.wait();
    client.waits_for_records = false;
    client.waits_on = nullptr;
  }
  client.is_hurried = false;
  co_await stop_watching();
}

}  // namespace tidelog::broker
