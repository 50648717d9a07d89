#include "broker/broker.h"

#include "broker/logging/log.h"
#include "broker/metadata/topic_names.h"
#include "broker/net/ip_name.h"
#include "broker/shard/run_on.h"
#include "storage/disk/disk_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace tidelog::broker {
namespace {

constexpr PartitionIndex kOnlyPartition{0};
/// The metadata log has no topic of its own; the id says so in its directory.
constexpr Uuid kMetadataTopicId{{std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                                 std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                                 std::byte{0}, std::byte{1}}};
/// Metadata logs are small and read as a whole at start.
constexpr std::uint32_t kMetadataSegmentBytes = 64 * 1024 * 1024;

/// -1 means never. A century is that, and can still be added to a time.
SteadyTime idle_limit(std::int64_t ms) {
  constexpr std::chrono::milliseconds kNever = std::chrono::hours(24 * 365 * 100);
  return ms < 0 ? kNever : std::min(std::chrono::milliseconds(ms), kNever);
}

void close_logs(ShardServices& services) {
  services.partitions.for_each([](Partition& partition) { partition.log().close(); });
}

ConnectionLimits limits_from(const BrokerOptions& options) {
  return {.max_frame_bytes = static_cast<std::size_t>(options.socket_request_max_bytes),
          .max_in_flight = static_cast<std::size_t>(options.max_inflight_requests_per_connection),
          .idle = idle_limit(options.connections_max_idle_ms),
          .whole_frame = std::chrono::milliseconds(options.request_frame_timeout_ms),
          .write_stall = std::chrono::milliseconds(options.response_write_timeout_ms)};
}

ConnectionCaps caps_from(const BrokerOptions& options) {
  const auto rate = static_cast<std::size_t>(options.max_connection_creation_rate);
  return {.total = static_cast<std::size_t>(options.max_connections),
          .per_address = static_cast<std::size_t>(options.max_connections_per_ip),
          .new_per_second_per_address = rate == 0 ? std::numeric_limits<std::size_t>::max() : rate};
}

/// Each client keeps its samples, so their number has an end.
QuotaWindowShape quota_window_from(const BrokerOptions& options) {
  constexpr std::int32_t kMostSamples = 1000;
  constexpr std::int32_t kLongestSample = 3600;
  return {.count = static_cast<std::size_t>(std::min(options.quota_window_num, kMostSamples)),
          .size = std::chrono::seconds(std::min(options.quota_window_size_seconds, kLongestSample))};
}

DigestKey random_key(Random& random) {
  DigestKey key;
  random.fill(std::as_writable_bytes(std::span(key)));
  return key;
}

Uuid random_uuid(Random& random) {
  Uuid id;
  while (id.is_zero()) random.fill(id.bytes);
  return id;
}

}  // namespace

Broker::Broker(Env& env, BrokerOptions options, OnFatal on_fatal)
    : env_(env),
      options_(std::move(options)),
      on_fatal_(std::move(on_fatal)),
      dirs_(env, options_),
      shards_([&] {
        std::vector<std::unique_ptr<ShardServices>> shards;
        const std::size_t count = env.loops().size();
        const auto overdraft = std::make_shared<Overdraft>(static_cast<std::size_t>(response_memory_bytes(options_)));
        const QuotaCounting counting{.window = quota_window_from(options_), .key = random_key(env.random())};
        for (std::size_t i = 0; i < count; ++i) {
          const ShardMemory memory{.request_bytes = static_cast<std::size_t>(request_memory_bytes(options_)) / count,
                                   .response_bytes = static_cast<std::size_t>(response_memory_bytes(options_)) / count,
                                   .overdraft = overdraft,
                                   .key = counting.key};
          shards.push_back(std::make_unique<ShardServices>(env, i, memory, counting));
        }
        return shards;
      }()),
      replicas_(env, options_, shards_,
                {.dirs = dirs_,
                 .on_failure = [this](std::size_t dir, DiskFailure kind, const std::string& what) { on_disk_failure(dir, kind, what); }}),
      withdrawing_(shards_.front()->shard.loop().executor()),
      cleaner_(env, shards_),
      scrubber_(env, shards_) {
  const auto memory_of_groups = std::make_shared<GroupsMemory>();
  for (const auto& served : dirs_.all()) equip(*served);
  for (const auto& shard : shards_) groups_.push_back(std::make_unique<GroupCoordinators>(*shard, memory_of_groups));
  replicas_.on_withdrawn(
      [this](const ShardServices& shard, const std::vector<TopicPartition>& gone) { groups_[shard.shard.index()]->let_go(gone); });
}

Broker::~Broker() = default;

/// Gives a log directory its checkpoints, and its rounds of syncs on every shard.
void Broker::equip(ServedDir& served) {
  const auto failed = [this, dir = served.index](DiskFailure kind, const std::string& what) { on_disk_failure(dir, kind, what); };
  checkpointers_.push_back(std::make_unique<Checkpointer>(env_, options_, served, shards_));
  checkpointers_.back()->on_failure([failed](const std::string& what) { failed(DiskFailure::write, what); });
  for (const auto& shard : shards_) shard->durability.push_back(make_durability(shard->shard, served.disk, failed));
}

/// On any shard's loop.
void Broker::on_disk_failure(std::size_t dir, DiskFailure kind, const std::string& what) {
  ServedDir& served = dirs_.at(dir);
  if (kind == DiskFailure::sync && dirs_.is_vital(served)) return end_after_sync_failure(served, what);
  // What the metadata are beside refuses batches it cannot write and goes on: without it nobody is served.
  if (served.is_metadata) return;
  const char* const how = kind == DiskFailure::sync ? "a sync of it failed" : "it cannot be written to";
  shards_.front()->shard.loop().post([this, dir, why = fmt::format("{} ({})", how, what)] { take_offline(dir, why); });
}

void Broker::end_after_sync_failure(const ServedDir& dir, const std::string& failure) {
  dir.disk.health->note_failure();
  on_fatal_("a sync of " + dir.path() + " failed (" + failure +
            "): what is on the disk can no longer be known, so nothing is acknowledged any more");
}

/// With all that share its disk, if that is what failed. On the first shard's loop.
void Broker::take_offline(std::size_t dir, const std::string& why) {
  if (withdrawing_.is_closed()) return;
  for (ServedDir* served : dirs_.failing_with(dirs_.at(dir))) {
    if (!served->is_online()) continue;
    served->fail(why);
    log_error(
        "log directory {} is offline: {}. Its partitions answer KAFKA_STORAGE_ERROR until a start after that is mended; the others are "
        "served",
        served->path(), served->index == dir ? why : "it is on the file system of " + dirs_.at(dir).path() + ", where " + why);
    asio::co_spawn(shards_.front()->shard.loop().executor(), withdraw(served->index), asio::detached);
  }
  if (dirs_.usable().empty()) on_fatal_("the last log directory failed: " + dirs_.at(dir).path() + ": " + why);
}

asio::awaitable<void> Broker::withdraw(std::size_t dir) {
  const Gate::Pass pass = withdrawing_.enter();
  co_await replicas_.withdraw(dir);
  // The next start looks at what is there as after power loss. In a directory that is gone nothing can be marked.
  Job mark = [&] {
    if (env_.files().stat(dirs_.at(dir).path())) dirs_.at(dir).dir->note_failed_sync();
  };
  co_await run_blocking(env_, shards_.front()->shard.loop(), std::move(mark));
}

Result<std::unique_ptr<storage::Log>, StartError> Broker::open_metadata_log() {
  LogDir& dir = *dirs_.metadata().dir;
  const storage::LogPlace place = dir.place_of(kMetadataTopic, kOnlyPartition);
  storage::LogConfig config;
  config.segment_bytes = kMetadataSegmentBytes;
  config.retention_ms = -1;
  const Result<storage::LogIdentity> there = storage::read_identity(place);
  const bool is_unfinished = !there && (there.error() == Errc::not_found || there.error() == Errc::corrupt);
  if (is_unfinished && dir.is_new()) {
    std::array<std::byte, 8> log_id;
    env_.random().fill(log_id);
    auto made = storage::Log::create(place, {.topic_id = kMetadataTopicId, .log_id = load_be<std::uint64_t>(log_id.data())}, config);
    if (made) return std::move(*made);
    return StartError{.message = "cannot make " + place.directory + ": " + std::string(storage::describe_disk_error(made.error())),
                      .hint = "check space and permissions"};
  }
  if (!there) {
    return StartError{.message = "the metadata log " + place.directory + " cannot be read (" + std::string(name(there.error())) +
                                 "), so the topics are not known",
                      .hint = "restore it from a backup; starting without it would hide every topic"};
  }
  storage::OpenRequest request{.identity = *there};
  const TopicPartition id{.topic_id = kMetadataTopicId, .partition = kOnlyPartition};
  if (const storage::ManifestEntry* known = dir.manifest().find(id, there->log_id)) request.recovery.known = known->recovery;
  request.recovery.writes_survived = dir.writes_survived();
  request.recovery.writes_again = dir.had_failed_sync();
  request.recovery.now = shards_.front()->shard.loop().wall_clock();
  auto opened = storage::Log::open(place, config, request, report_);
  // What a full disk has to take here is little, and the reserve is held for this.
  while (!opened && opened.error() == Errc::no_space && dir.reserve().release(Reserve::Use::going_on)) {
    opened = storage::Log::open(place, config, request, report_);
  }
  if (!opened) dir.note_failed_recovery(opened.error());
  const storage::DamagedRange* damaged = opened ? (*opened)->damage().at_or_after((*opened)->log_start_offset()) : nullptr;
  if (opened && !(*opened)->is_offline() && damaged == nullptr) return std::move(*opened);
  if (!opened && opened.error() != Errc::corrupt) {
    return StartError{.message = "the metadata log " + place.directory + " cannot be opened: " +
                                 std::string(storage::describe_disk_error(opened.error())) + ". Nothing says that it is damaged",
                      .hint = opened.error() == Errc::no_space ? "make room on the disk and start again" : "mend that and start again"};
  }
  std::string why = opened ? (*opened)->offline_reason() : std::string(name(opened.error()));
  // A state put together from the records before and behind a hole is one that never was.
  if (damaged != nullptr) why = storage::describe(place.directory, *damaged);
  return StartError{.message = "the metadata log " + place.directory + " is damaged: " + why, .hint = "restore it from a backup"};
}

/// Every log is read whole then, so no record is at stake, but what only the manifest knows is not noticed.
void Broker::warn_of_lost_manifest(const LogDir& dir) {
  const storage::ManifestState state = dir.manifest_state();
  if (dir.is_new() || state == storage::ManifestState::read) return;
  log_warn("the manifest in {} is {}: every log is read from its start, and a log that is gone or shorter than it was is not noticed",
           dir.path(), state == storage::ManifestState::missing ? "missing" : "damaged");
}

/// Blocks.
Result<void, StartError> Broker::open_dirs() {
  if (Result<void, StartError> opened = dirs_.open(); !opened) return opened;
  for (const auto& served : dirs_.all()) {
    if (!served->is_online()) continue;
    const LogDir& dir = *served->dir;
    warn_of_lost_manifest(dir);
    const bool was_clean = dir.manifest_state() == storage::ManifestState::read && dir.manifest().clean;
    was_unclean_ = was_unclean_ || (!dir.is_new() && !was_clean);
  }
  return {};
}

asio::awaitable<Result<void, StartError>> Broker::recover() {
  Result<std::unique_ptr<storage::Log>, StartError> log = StartError{};
  Job open = [&] {
    if (const Result<void, StartError> opened = open_dirs(); !opened) {
      log = opened.error();
    } else {
      log = open_metadata_log();
    }
  };
  co_await run_blocking(env_, shards_.front()->shard.loop(), std::move(open));
  if (!log) co_return log.error();
  ShardServices& home = *shards_.front();
  const ServedDir& at = dirs_.metadata();
  controller_ = std::make_unique<Controller>(home.shard, *home.durability[at.index], std::move(*log), at.dir->reserve(), replicas_);
  if (const Result<void, ReplayError> replayed = controller_->replay(); !replayed) {
    co_return StartError{.message = fmt::format("the metadata log cannot be replayed: {} at offset {}", name(replayed.error().code),
                                                replayed.error().offset.value),
                         .hint = replayed.error().code == Errc::unsupported ? "it was written by a newer version: start that one"
                                                                            : "restore it from a backup"};
  }
  if (Result<void, StartError> known = co_await introduce_self(); !known) co_return known;
  const Replicas::Metadata metadata{.image = controller_->machine().image(), .deleted_topics = controller_->take_deleted_topics()};
  co_await replicas_.open_all(metadata, report_);
  // Before a manifest that no longer names the journal.
  if (!report_.must_not_go_on.empty()) {
    co_return StartError{.message = report_.must_not_go_on,
                         .hint = "make room or repair it and start again: nothing was given up. Without " + at.path() +
                                 "/journal the broker starts, and what only that has is lost, of all partitions"};
  }
  if (Result<void, StartError> assigned = co_await commit_assignments(); !assigned) co_return assigned;
  co_await replicas_.publish(controller_->machine().image());
  co_return co_await write_first_manifests();
}

asio::awaitable<Result<void, StartError>> Broker::commit_assignments() {
  const std::vector<MetadataRecord> found = replicas_.take_assignments();
  if (found.empty()) co_return Result<void, StartError>();
  const Result<void> written = co_await controller_->assign(found);
  if (written) co_return Result<void, StartError>();
  co_return StartError{.message = "the metadata log in " + dirs_.metadata().path() +
                                  " cannot be written: " + std::string(storage::describe_disk_error(written.error())),
                       .hint = "check space and permissions"};
}

/// From here on a crash is an unclean stop, and recovery starts from what was just made whole.
asio::awaitable<Result<void, StartError>> Broker::write_first_manifests() {
  for (const auto& served : dirs_.all()) {
    if (!served->is_online()) continue;
    const bool written = co_await checkpointers_[served->index]->checkpoint(*controller_, false);
    if (!written && (served->is_metadata || dirs_.usable().size() < 2)) {
      co_return StartError{.message = "cannot write the manifest in " + served->path(), .hint = "check space and permissions"};
    }
    if (!written) {
      take_offline(served->index, "its manifest cannot be written");
    } else if (served->unopened == 0) {
      served->dir->forget_failed_sync();  // A log that could not be opened was not made whole either.
    }
  }
  co_return Result<void, StartError>();
}

asio::awaitable<Result<void, StartError>> Broker::introduce_self() {
  RegisterBrokerRecord self{
      .node_id = {options_.node_id}, .incarnation = random_uuid(env_.random()), .rack = options_.broker_rack, .unclean = was_unclean_};
  const Uuid cluster = random_uuid(env_.random());
  if (const Result<void> founded = co_await controller_->found(cluster.to_string(), std::move(self)); !founded) {
    co_return StartError{.message = "the metadata log in " + dirs_.metadata().path() +
                                    " cannot be written: " + std::string(storage::describe_disk_error(founded.error())),
                         .hint = "check space and permissions"};
  }
  dirs_.draw_ids();
  Result<void, StartError> claimed;
  Job claim = [&] { claimed = dirs_.claim(controller_->machine().image()->cluster_id()); };
  co_await run_blocking(env_, shards_.front()->shard.loop(), std::move(claim));
  co_return claimed;
}

namespace {

std::string why_not_listening(Errc error) {
  switch (error) {
    case Errc::exists: return "another process has the port";
    case Errc::not_found: return "this machine has no such address";
    case Errc::refused: return "the system does not allow it to this user, or descriptors ran out";
    default: return std::string(name(error));
  }
}

}  // namespace

Result<std::unique_ptr<Listener>, StartError> Broker::open(const ListenerAddress& address) {
  auto socket = env_.network().listen({.host = address.host, .port = address.port}, shards_.front()->shard.loop());
  if (socket) return std::move(*socket);
  const std::string where = address.host + ":" + std::to_string(address.port);
  return StartError{.message = "cannot listen on " + where + ": " + why_not_listening(socket.error()),
                    .hint = "choose an address of this machine and a free port with -o listeners=PLAINTEXT://HOST:PORT"};
}

Result<void, StartError> Broker::listen() {
  const auto addresses = client_listeners(options_);
  const auto told = advertised_listeners(options_);
  if (!addresses) return StartError{.message = addresses.error().message, .hint = addresses.error().hint};
  if (!told) return StartError{.message = told.error().message, .hint = told.error().hint};
  std::vector<std::unique_ptr<Listener>> listeners;
  std::vector<Endpoint> advertised;
  for (const ListenerAddress& address : *addresses) {
    auto listener = open(address);
    if (!listener) return listener.error();
    listeners.push_back(std::move(*listener));
    const auto named = std::ranges::find(*told, address.name, &ListenerAddress::name);
    advertised.push_back(named == told->end() ? Endpoint{} : Endpoint{.host = named->host, .port = named->port});
  }
  node_ = std::make_unique<Node>(Node{.options = options_,
                                      .shards = shards_,
                                      .controller = *controller_,
                                      .dirs = dirs_,
                                      .checkpointers = checkpointers_,
                                      .groups = groups_,
                                      .id = {options_.node_id},
                                      .self = {NodeId{options_.node_id}},
                                      .advertised = std::move(advertised)});
  std::vector<Server::Seat> seats;
  for (const auto& shard : shards_) {
    dispatchers_.push_back(std::make_unique<Dispatcher>(*node_, *shard));
    connections_.push_back(std::make_unique<ConnectionSet>(shard->shard, *dispatchers_.back(), limits_from(options_)));
    seats.push_back({.shard = &shard->shard, .connections = connections_.back().get()});
  }
  AddressQuota quota{.rate = [this](std::string_view ip) { return connection_rate(ip); },
                     .window = quota_window_from(options_),
                     .key = random_key(env_.random())};
  server_ = std::make_unique<Server>(std::move(listeners.front()), std::move(seats), caps_from(*replicas_.in_force()), std::move(quota));
  for (auto& further : std::span(listeners).subspan(1)) server_->add(std::move(further));
  replicas_.on_options([this](const BrokerOptions& changed) { server_->set_caps(caps_from(changed)); });
  return {};
}

std::optional<double> Broker::connection_rate(std::string_view ip) const {
  const ClientQuotas& quotas = shards_.front()->image->client_quotas();
  if (!quotas.limits(kConnectionCreationRate)) return std::nullopt;
  return quotas.connection_rate(canonical_ip(ip).value_or(std::string(ip)));
}

void Broker::report_recovery() {
  for (const std::string& note : report_.notes) log_warn("recovery: {}", note);
  if (report_.logs_scanned > 0) log_info("recovery read {} bytes of {} logs", report_.bytes_scanned, report_.logs_scanned);
}

asio::awaitable<Result<void, StartError>> Broker::start() {
  Result<void, StartError> recovered = co_await recover();
  report_recovery();
  if (!recovered) co_return recovered;
  if (Result<void, StartError> listening = listen(); !listening) co_return listening;
  for (const auto& served : dirs_.all()) {
    if (served->is_online()) checkpointers_[served->index]->start(*controller_);
  }
  cleaner_.start();
  scrubber_.start(*dirs_.metadata().dir);
  server_->start();
  co_await start_groups();
  co_return Result<void, StartError>();
}

/// The port accepts by now: whoever comes before his group is loaded is told to come again.
asio::awaitable<void> Broker::start_groups() {
  replicas_.on_topic_gone([this](const TopicImage& gone) { forget_offsets(gone); });
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    Job start = [&groups = *groups_[i]] { groups.start(); };
    co_await run_on(shards_[i]->shard.loop(), shards_.front()->shard.loop(), std::move(start));
  }
}

asio::awaitable<void> Broker::stop_groups() {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    co_await await_on(shards_[i]->shard.loop(), shards_.front()->shard.loop(), groups_[i]->stop());
  }
}

void Broker::forget_offsets(const TopicImage& gone) {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    shards_[i]->shard.loop().post([&groups = *groups_[i], name = gone.name, id = gone.id] { groups.forget_topic(name, id); });
  }
}

asio::awaitable<void> Broker::report_limits() {
  LimitCounts counts{};
  for (const auto& shard : shards_) {
    Job add = [&counts, &limits = shard->shard.limits()] {
      for (std::size_t i = 0; i < kLimits; ++i) counts[i] += limits.counts()[i];
    };
    co_await run_on(shard->shard.loop(), shards_.front()->shard.loop(), std::move(add));
  }
  if (const std::string text = describe(counts); !text.empty()) log_warn("limits that were met since the start: {}", text);
}

asio::awaitable<void> Broker::stop() {
  Loop& home = shards_.front()->shard.loop();
  co_await server_->stop();
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    co_await await_on(shards_[i]->shard.loop(), home, connections_[i]->finish());
  }
  co_await stop_groups();
  co_await report_limits();
  co_await cleaner_.stop();
  co_await scrubber_.stop();
  for (const auto& checkpointer : checkpointers_) co_await checkpointer->stop();
  // Before they are closed: a closed log has nothing open that could be synced.
  for (const auto& served : dirs_.all()) {
    if (served->is_online()) co_await checkpointers_[served->index]->checkpoint(*controller_, true);
  }
  co_await withdrawing_.close();
  for (const auto& shard : shards_) {
    Job close = [&] { close_logs(*shard); };
    co_await run_on(shard->shard.loop(), home, std::move(close));
  }
}

}  // namespace tidelog::broker
