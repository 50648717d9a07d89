#include "broker/config/broker_options.h"

#include "broker/config/listener.h"

#include <fmt/format.h>

namespace tidelog::broker {
namespace {

using B = BrokerOptions;
constexpr std::int64_t kMaxThreads = 1024;

constexpr Option<BrokerOptions> kTable[] = {
    option<&B::node_id>("node.id", at_least(0), "The broker's number in its cluster; clients see it in Metadata."),
    option<&B::listeners>(
        "listeners", any_value(),
        "Where to listen: NAME://HOST:PORT, several with commas. Only PLAINTEXT. An empty host is every local address; port 0 takes "
        "any free port."),
    option<&B::advertised_listeners>("advertised.listeners", any_value(),
                                     "What clients are told to connect to. Empty: the address the client itself reached us at."),
    option<&B::broker_rack>("broker.rack", any_value(), "Rack name reported in Metadata."),
    option<&B::log_dirs>("log.dirs", any_value(),
                         "Directory of everything stored. Exactly one for now. Created if missing; one process per directory."),
    option<&B::durability>(
        "durability", any_value(),
        "When acks=all answers: `fsync` once the disk has the records, `page-cache` once the operating system has them, as Kafka "
        "does. See guarantees.md.")
        .ours(),
    option<&B::num_partitions>("num.partitions", between(1, 100000), "Partitions of a topic that is created without a number."),
    option<&B::default_replication_factor>("default.replication.factor", between(1, 32767),
                                           "Replicas of a topic that is created without a number. One node can only serve 1."),
    option<&B::min_insync_replicas>("min.insync.replicas", at_least(1), "In-sync replicas that acks=all needs.").dynamic(),
    option<&B::auto_create_topics_enable>("auto.create.topics.enable", any_value(), "Create a topic when a client asks for its metadata."),
    option<&B::delete_topic_enable>("delete.topic.enable", any_value(), "Allow DeleteTopics."),
    option<&B::shards>("shards", between(0, kMaxThreads),
                       "Event loops, one thread each. 0: one up to 2 usable cores, else one a core (affinity and cgroup quota count).")
        .ours(),
    option<&B::blocking_threads>("blocking.threads", between(1, kMaxThreads), "Threads for what blocks: syncs, deletes, recovery.").ours(),

    option<&B::message_max_bytes>("message.max.bytes", at_least(0), "Largest record batch, as sent (compressed if it is), in bytes.")
        .dynamic(),
    option<&B::max_decompressed_message_bytes>("max.decompressed.message.bytes", between(1, 2147483639),
                                               "Largest size of a batch once decompressed. Below the default every compressed batch is "
                                               "opened to see; else only those of compacted topics are.")
        .dynamic(),
    option<&B::socket_request_max_bytes>("socket.request.max.bytes", at_least(1),
                                         "Largest request, in bytes; a larger one closes the connection."),
    option<&B::fetch_max_bytes>("fetch.max.bytes", at_least(1024), "Most record bytes in one fetch answer, whatever the client asks for."),
    option<&B::max_incremental_fetch_session_cache_slots>("max.incremental.fetch.session.cache.slots", at_least(0),
                                                          "Fetch sessions kept; with 0 every fetch is a full one."),
    option<&B::max_request_partition_size_limit>("max.request.partition.size.limit", at_least(1),
                                                 "Most partitions in one answer to a request that can be asked in pages."),

    option<&B::memory_budget_bytes>("memory.budget.bytes", at_least(4 << 20), "Bytes that the two pools below are shares of.").ours(),
    option<&B::queued_max_request_bytes>("queued.max.request.bytes", at_least(-1),
                                         "Pool for requests being read or served; when it is empty sockets are not read. -1: a quarter of "
                                         "`memory.budget.bytes`. (Kafka's -1 is no limit.) Not below `socket.request.max.bytes`."),
    option<&B::response_memory_bytes>("response.memory.bytes", at_least(-1),
                                      "Pool for answers that are not yet sent. -1: a quarter of `memory.budget.bytes`.")
        .ours()
        .not_yet(),

    option<&B::max_connections>("max.connections", at_least(0), "Connections open at once. (Kafka has no limit by default.)").dynamic(),
    option<&B::max_connections_per_ip>("max.connections.per.ip", at_least(0),
                                       "Connections open at once from one address. (Kafka has no limit by default.)")
        .dynamic(),
    option<&B::max_connection_creation_rate>(
        "max.connection.creation.rate", at_least(0),
        "New connections a second from one address; more are closed at once. 0: no limit. (Kafka counts all "
        "addresses together and has no limit by default.)")
        .dynamic(),
    option<&B::max_inflight_requests_per_connection>(
        "max.inflight.requests.per.connection", at_least(1),
        "Requests of one connection that may wait for their answer; then it is not read further.")
        .ours(),
    option<&B::connections_max_idle_ms>("connections.max.idle.ms", at_least(-1),
                                        "A connection without a request for so long is closed. -1: never."),
    option<&B::request_frame_timeout_ms>("request.frame.timeout.ms", at_least(1),
                                         "A request must arrive whole within this time of its first byte.")
        .ours(),
    option<&B::response_write_timeout_ms>("response.write.timeout.ms", at_least(1),
                                          "A client that takes no byte of its answer for so long is disconnected.")
        .ours(),

    option<&B::quota_window_num>("quota.window.num", between(1, 1000), "How many samples a client's rate is counted over."),
    option<&B::quota_window_size_seconds>("quota.window.size.seconds", between(1, 3600),
                                          "Length of a sample. A client over its quota waits at most for all of them."),

    option<&B::log_segment_bytes>("log.segment.bytes", at_least(1 << 20), "Size at which a segment file is closed and the next begun.")
        .dynamic(),
    option<&B::log_roll_ms>("log.roll.ms", at_least(1), "Age at which a segment is closed. Unset: `log.roll.hours`.").dynamic(),
    option<&B::log_roll_hours>("log.roll.hours", at_least(1), "As `log.roll.ms`, in hours."),
    option<&B::log_roll_jitter_ms>("log.roll.jitter.ms", at_least(0), "Random time taken off the age. Unset: `log.roll.jitter.hours`.")
        .dynamic()
        .not_yet(),
    option<&B::log_roll_jitter_hours>("log.roll.jitter.hours", at_least(0), "As `log.roll.jitter.ms`, in hours.").not_yet(),
    option<&B::log_index_interval_bytes>("log.index.interval.bytes", at_least(0), "Log bytes between two index entries.").dynamic(),
    option<&B::log_index_size_max_bytes>("log.index.size.max.bytes", at_least(4), "Largest offset index; a segment ends when it is full.")
        .dynamic(),
    option<&B::log_retention_ms>("log.retention.ms", at_least(-1),
                                 "Age at which segments are deleted; -1 never. Unset: `log.retention.minutes`.")
        .dynamic(),
    option<&B::log_retention_minutes>("log.retention.minutes", at_least(-1),
                                      "As `log.retention.ms`, in minutes. Unset: `log.retention.hours`."),
    option<&B::log_retention_hours>("log.retention.hours", at_least(-1), "As `log.retention.ms`, in hours."),
    option<&B::log_retention_bytes>("log.retention.bytes", at_least(-1),
                                    "Size of a partition above which its oldest segments go; -1 no limit.")
        .dynamic(),
    option<&B::log_retention_check_interval_ms>("log.retention.check.interval.ms", at_least(1), "How often retention is looked at."),
    option<&B::log_message_timestamp_type>("log.message.timestamp.type", any_value(), "Whose clock stamps records: producer or broker.")
        .dynamic(),
    option<&B::log_message_timestamp_before_max_ms>("log.message.timestamp.before.max.ms", at_least(0),
                                                    "How far in the past a producer's timestamp may lie.")
        .dynamic(),
    option<&B::log_message_timestamp_after_max_ms>("log.message.timestamp.after.max.ms", at_least(0),
                                                   "How far in the future a producer's timestamp may lie.")
        .dynamic(),
    option<&B::compression_type>("compression.type", any_value(),
                                 "Codec of stored batches. Whatever is set, batches stay as the producer made them for now.")
        .dynamic()
        .not_yet(),
    option<&B::log_cleanup_policy>(
        "log.cleanup.policy", any_value(),
        "`delete` by age and size, `compact` by key, or both; empty keeps everything. Compaction does not run yet: a "
        "topic with `compact` alone keeps everything.")
        .one_of(kCleanupPolicies)
        .dynamic(),
    option<&B::log_flush_interval_messages>(
        "log.flush.interval.messages", at_least(1),
        "1 syncs before every acknowledgement, as `durability=fsync` does. Larger values have no effect yet.")
        .dynamic(),
    option<&B::log_flush_interval_ms>("log.flush.interval.ms", at_least(0), "In page-cache mode: longest time until records are synced.")
        .dynamic()
        .not_yet(),
    option<&B::log_segment_delete_delay_ms>("log.segment.delete.delay.ms", at_least(0),
                                            "Time between taking a file out of use and unlinking it.")
        .dynamic()
        .not_yet(),
    option<&B::log_preallocate>("log.preallocate", any_value(), "Reserve the disk space of a segment when it is made.").dynamic().not_yet(),
    option<&B::log_cleaner_delete_retention_ms>("log.cleaner.delete.retention.ms", at_least(0), "How long compaction keeps tombstones.")
        .dynamic()
        .not_yet(),
    option<&B::log_cleaner_min_compaction_lag_ms>("log.cleaner.min.compaction.lag.ms", at_least(0),
                                                  "Age before which a record is not compacted.")
        .dynamic()
        .not_yet(),
    option<&B::log_cleaner_max_compaction_lag_ms>("log.cleaner.max.compaction.lag.ms", at_least(1),
                                                  "Age after which a record must be compacted.")
        .dynamic()
        .not_yet(),
    option<&B::log_cleaner_min_cleanable_ratio>("log.cleaner.min.cleanable.ratio", between(0, 1),
                                                "Share of uncompacted bytes that starts a pass.")
        .dynamic()
        .not_yet(),
    option<&B::unclean_leader_election_enable>(
        "unclean.leader.election.enable", any_value(),
        "Let a replica that is not in sync lead when no other is left: available, and records are lost.")
        .dynamic()
        .not_yet(),

    option<&B::producer_id_expiration_ms>("producer.id.expiration.ms", at_least(1),
                                          "Silence after which an idempotent producer is forgotten.")
        .dynamic(),
    option<&B::replica_lag_time_max_ms>("replica.lag.time.max.ms", at_least(1), "Lag after which a follower leaves the in-sync set.")
        .not_yet(),
    option<&B::group_initial_rebalance_delay_ms>("group.initial.rebalance.delay.ms", at_least(0), "Wait for more members of a new group.")
        .not_yet(),
    option<&B::group_min_session_timeout_ms>("group.min.session.timeout.ms", at_least(1), "Shortest session a group member may ask for.")
        .not_yet(),
    option<&B::group_max_session_timeout_ms>("group.max.session.timeout.ms", at_least(1), "Longest session a group member may ask for.")
        .not_yet(),
    option<&B::offsets_topic_replication_factor>("offsets.topic.replication.factor", between(1, 32767),
                                                 "Replicas of `__consumer_offsets`; shrinks to the nodes there are.")
        .not_yet(),
    option<&B::offsets_topic_num_partitions>("offsets.topic.num.partitions", between(1, 100000), "Partitions of `__consumer_offsets`.")
        .not_yet(),
    option<&B::offsets_retention_minutes>("offsets.retention.minutes", at_least(1), "How long offsets of a dead group are kept.").not_yet(),
    option<&B::transaction_max_timeout_ms>("transaction.max.timeout.ms", at_least(1), "Longest transaction a producer may ask for.")
        .not_yet(),
    option<&B::transaction_state_log_replication_factor>("transaction.state.log.replication.factor", between(1, 32767),
                                                         "Replicas of `__transaction_state`; shrinks to the nodes there are.")
        .not_yet(),
    option<&B::transaction_state_log_num_partitions>("transaction.state.log.num.partitions", between(1, 100000),
                                                     "Partitions of `__transaction_state`.")
        .not_yet(),
    option<&B::transaction_state_log_min_isr>("transaction.state.log.min.isr", at_least(1), "In-sync replicas `__transaction_state` needs.")
        .not_yet(),
    option<&B::transactional_id_expiration_ms>("transactional.id.expiration.ms", at_least(1),
                                               "Silence after which a transactional id is forgotten.")
        .not_yet(),

    option<&B::log_level>("log.level", any_value(), "Least severe line that is logged to stderr. The line that says it serves always is.")
        .ours(),
    option<&B::log_format>("log.format", any_value(), "`text` for people, `json` for collectors: one object a line.").ours(),
};

std::int64_t share(std::int64_t stated, const BrokerOptions& options) { return stated >= 0 ? stated : options.memory_budget_bytes / 4; }

Result<void, ConfigError> check_addresses(std::string_view key, const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    if (const Result<ListenerAddress, ConfigError> parsed = parse_listener(key, address); !parsed) return parsed.error();
  }
  return {};
}

Result<void, ConfigError> check_memory(const BrokerOptions& options) {
  if (request_memory_bytes(options) >= options.socket_request_max_bytes) return {};
  return ConfigError{
      .key = "queued.max.request.bytes",
      .message = fmt::format("the request pool of {} bytes cannot hold one request of socket.request.max.bytes={}",
                             request_memory_bytes(options), options.socket_request_max_bytes),
      .hint = "raise queued.max.request.bytes (or memory.budget.bytes, of which it is a quarter), or lower socket.request.max.bytes"};
}

}  // namespace

std::span<const Option<BrokerOptions>> broker_option_table() { return kTable; }

std::int64_t request_memory_bytes(const BrokerOptions& options) { return share(options.queued_max_request_bytes, options); }
std::int64_t response_memory_bytes(const BrokerOptions& options) { return share(options.response_memory_bytes, options); }

Result<void, ConfigError> check_consistency(const BrokerOptions& options) {
  if (options.listeners.empty()) {
    return ConfigError{"listeners", "listeners is empty: the broker would serve nobody",
                       "for example listeners=PLAINTEXT://127.0.0.1:9092"};
  }
  if (Result<void, ConfigError> ok = check_addresses("listeners", options.listeners); !ok) return ok;
  if (Result<void, ConfigError> ok = check_addresses("advertised.listeners", options.advertised_listeners); !ok) return ok;
  if (options.log_dirs.size() != 1) {
    return ConfigError{"log.dirs", fmt::format("log.dirs names {} directories, one is served for now", options.log_dirs.size()),
                       "for example log.dirs=./data"};
  }
  return check_memory(options);
}

}  // namespace tidelog::broker
