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
      shards_([&] {
        std::vector<std::unique_ptr<ShardServices>> shards;
        const std::size_t count = env.loops().size();
        const auto overdraft = std::make_shared<Overdraft>(static_cast<std::size_t>(response_memory_bytes(options_)));
        const QuotaCounting counting{.window = quota_window_from(options_), .key = random_key(env.random())};
        for (std::size_t i = 0; i < count; ++i) {
          const ShardMemory memory{.request_bytes = static_cast<std::size_t>(request_memory_bytes(options_)) / count,
                                   .response_bytes = static_cast<std::size_t>(response_memory_bytes(options_)) / count,
                                   .overdraft = overdraft};
          shards.push_back(std::make_unique<ShardServices>(env, i, memory, counting));
        }
        return shards;
      }()),
      replicas_(env, options_, shards_,
                {.journal = journal_, .on_failure = [this](std::string failure) { end_after_sync_failure(failure); }}),
      checkpointer_(env, options_, journal_, shards_),
      cleaner_(env, shards_),
      scrubber_(env, shards_) {
  const auto memory_of_groups = std::make_shared<GroupsMemory>();
  for (const auto& shard : shards_) {
    shard->durability = make_durability(shard->shard, journal_, options_.log_dirs.front(),
                                        [this](const std::string& failure) { end_after_sync_failure(failure); });
    groups_.push_back(std::make_unique<GroupCoordinators>(*shard, memory_of_groups));
  }
}

Broker::~Broker() = default;

void Broker::end_after_sync_failure(const std::string& failure) {
  journal_.note_disk_failure();
  on_fatal_("a sync of " + options_.log_dirs.front() + " failed (" + failure +
            "): what is on the disk can no longer be known, so nothing is acknowledged any more");
}

Result<std::unique_ptr<storage::Log>, StartError> Broker::open_metadata_log() {
  const storage::LogPlace place = dir_->place_of(kMetadataTopic, kOnlyPartition);
  storage::LogConfig config;
  config.segment_bytes = kMetadataSegmentBytes;
  config.retention_ms = -1;
  const Result<storage::LogIdentity> there = storage::read_identity(place);
  const bool is_unfinished = !there && (there.error() == Errc::not_found || there.error() == Errc::corrupt);
  if (is_unfinished && dir_->is_new()) {
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
  if (const storage::ManifestEntry* known = dir_->manifest().find(id, there->log_id)) request.recovery.known = known->recovery;
  request.recovery.writes_survived = dir_->writes_survived();
  request.recovery.writes_again = dir_->had_failed_sync();
  request.recovery.now = shards_.front()->shard.loop().wall_clock();
  auto opened = storage::Log::open(place, config, request, report_);
  // What a full disk has to take here is little, and the reserve is held for this.
  while (!opened && opened.error() == Errc::no_space && dir_->reserve().release(Reserve::Use::going_on)) {
    opened = storage::Log::open(place, config, request, report_);
  }
  if (!opened) dir_->note_failed_recovery(opened.error());
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
void Broker::warn_of_lost_manifest() const {
  const storage::ManifestState state = dir_->manifest_state();
  if (dir_->is_new() || state == storage::ManifestState::read) return;
  log_warn("the manifest in {} is {}: every log is read from its start, and a log that is gone or shorter than it was is not noticed",
           dir_->path(), state == storage::ManifestState::missing ? "missing" : "damaged");
}

asio::awaitable<Result<void, StartError>> Broker::recover() {
  Result<std::unique_ptr<storage::Log>, StartError> log = StartError{};
  std::optional<StartError> failed;
  Job open = [&] {
    auto dir =
        LogDir::open(env_.files(), options_.log_dirs.front(), {options_.node_id}, static_cast<std::uint64_t>(options_.disk_reserve_bytes));
    if (!dir) {
      failed = dir.error();
      return;
    }
    dir_ = std::move(*dir);
    journal_.on_disk_failure([this] { dir_->note_failed_sync(); });
    // The system tells whoever syncs the disk first of what failed before; recovery writes all that again.
    if (dir_->had_failed_sync()) static_cast<void>(env_.files().sync_disk(dir_->path()).has_value());
    warn_of_lost_manifest();
    was_unclean_ = !dir_->is_new() && !(dir_->manifest_state() == storage::ManifestState::read && dir_->manifest().clean);
    log = open_metadata_log();
    if (!log) failed = log.error();
  };
  co_await run_blocking(env_, shards_.front()->shard.loop(), std::move(open));
  if (failed) co_return *failed;
  ShardServices& home = *shards_.front();
  controller_ = std::make_unique<Controller>(home.shard, *home.durability, std::move(*log), dir_->reserve(), replicas_);
  if (const Result<void, ReplayError> replayed = controller_->replay(); !replayed) {
    co_return StartError{.message = fmt::format("the metadata log cannot be replayed: {} at offset {}", name(replayed.error().code),
                                                replayed.error().offset.value),
                         .hint = replayed.error().code == Errc::unsupported ? "it was written by a newer version: start that one"
                                                                            : "restore it from a backup"};
  }
  if (Result<void, StartError> known = co_await introduce_self(); !known) co_return known;
  const Replicas::Metadata metadata{.image = controller_->machine().image(), .deleted_topics = controller_->take_deleted_topics()};
  co_await replicas_.open_all(*dir_, metadata, report_);
  // Before a manifest that no longer names the journal.
  if (!report_.must_not_go_on.empty()) {
    co_return StartError{.message = report_.must_not_go_on,
                         .hint = "make room or repair it and start again: nothing was given up. Without " + dir_->path() +
                                 "/journal the broker starts, and what only that has is lost, of all partitions"};
  }
  co_await replicas_.publish(controller_->machine().image());
  // From here on a crash is an unclean stop, and recovery starts from what was just made whole.
  if (!co_await checkpointer_.checkpoint(*dir_, *controller_, false)) {
    co_return StartError{.message = "cannot write the manifest in " + dir_->path(), .hint = "check space and permissions"};
  }
  // A log that could not be opened was not made whole either.
  if (report_.unopened == 0) dir_->forget_failed_sync();
  co_return Result<void, StartError>();
}

asio::awaitable<Result<void, StartError>> Broker::introduce_self() {
  RegisterBrokerRecord self{
      .node_id = {options_.node_id}, .incarnation = random_uuid(env_.random()), .rack = options_.broker_rack, .unclean = was_unclean_};
  const Uuid cluster = random_uuid(env_.random());
  if (const Result<void> founded = co_await controller_->found(cluster.to_string(), std::move(self)); !founded) {
    co_return StartError{.message = "the metadata log in " + dir_->path() +
                                    " cannot be written: " + std::string(storage::describe_disk_error(founded.error())),
                         .hint = "check space and permissions"};
  }
  if (!dir_->is_new()) co_return Result<void, StartError>();
  const std::string directory = random_uuid(env_.random()).to_string();
  bool claimed = false;
  Job claim = [&] { claimed = dir_->claim(controller_->machine().image()->cluster_id(), directory).has_value(); };
  co_await run_blocking(env_, shards_.front()->shard.loop(), std::move(claim));
  if (claimed) co_return Result<void, StartError>();
  co_return StartError{.message = "cannot write meta.properties in " + dir_->path(), .hint = "check space and permissions"};
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
                                      .checkpointer = checkpointer_,
                                      .groups = groups_,
                                      .id = {options_.node_id},
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
  checkpointer_.start(*dir_, *controller_);
  cleaner_.start();
  scrubber_.start(*dir_);
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
  co_await checkpointer_.stop();
  // Before they are closed: a closed log has nothing open that could be synced.
  co_await checkpointer_.checkpoint(*dir_, *controller_, true);
  for (const auto& shard : shards_) {
    Job close = [&] { close_logs(*shard); };
    co_await run_on(shard->shard.loop(), home, std::move(close));
  }
}

}  // namespace tidelog::broker
