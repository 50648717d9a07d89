// Identity, listeners, topics, sizes, memory, connections and logging.
#include "broker/config/option_groups.h"

namespace tidelog::broker {
namespace {

using B = BrokerOptions;
constexpr std::int64_t kMaxThreads = 1024;

constexpr BrokerOption kTable[] = {
    option<&B::node_id>("node.id", at_least(0), "The broker's number in its cluster; clients see it in Metadata.").required(),
    option<&B::broker_id>("broker.id", any_value(), "Older name of `node.id`, which counts if both are given."),
    option<&B::listeners>(
        "listeners", any_value(),
        "Where to listen: NAME://HOST:PORT, several with commas, each with a name of its own that maps to PLAINTEXT. An empty host is "
        "every local address; port 0 takes any free port."),
    option<&B::advertised_listeners>("advertised.listeners", any_value(),
                                     "What clients are told to connect to, by the name of the listener they came by. Of a listener that is "
                                     "not named here: the address the client itself reached us at.")
        .nullable(),
    option<&B::listener_security_protocol_map>(
        "listener.security.protocol.map", any_value(),
        "Security protocol of each listener name: NAME:PROTOCOL with commas. A name is served if it maps to PLAINTEXT."),
    option<&B::controller_listener_names>(
        "controller.listener.names", any_value(),
        "Names of listeners for controllers. Entries of `listeners` with these names are left out: the controller is in this process.")
        .required()
        .nullable(),
    option<&B::broker_rack>("broker.rack", any_value(), "Rack name reported in Metadata.").nullable(),
    option<&B::log_dirs>("log.dirs", any_value(),
                         "Directories of everything stored, best each on a disk of its own. A new partition goes to the one with the "
                         "fewest; one that fails leaves the others serving. Created if missing; one process per directory."),
    option<&B::log_dir>("log.dir", any_value(), "Older name of `log.dirs`, which counts if both are given.").nullable(),
    option<&B::metadata_log_dir>("metadata.log.dir", any_value(),
                                 "Directory of the metadata log, without which a broker does not run: the first of `log.dirs` unless it is "
                                 "named here. One that is not among `log.dirs` gets no partitions.")
        .nullable(),
    option<&B::num_partitions>("num.partitions", between(1, 100000), "Partitions of a topic that is created without a number."),
    option<&B::default_replication_factor>("default.replication.factor", between(1, 32767),
                                           "Replicas of a topic that is created without a number. One node can only serve 1."),
    option<&B::auto_create_topics_enable>("auto.create.topics.enable", any_value(), "Create a topic when a client asks for its metadata."),
    option<&B::delete_topic_enable>("delete.topic.enable", any_value(), "Allow DeleteTopics."),
    option<&B::shards>("shards", between(0, kMaxThreads),
                       "Event loops, one thread each. 0: one up to 2 usable cores, else one a core (affinity and cgroup quota count).")
        .ours(),
    option<&B::blocking_threads>("blocking.threads", between(1, kMaxThreads),
                                 "Threads for what blocks: syncs, deletes, recovery. One more, for syncs alone, when those are busy.")
        .ours(),
    option<&B::socket_request_max_bytes>("socket.request.max.bytes", at_least(1),
                                         "Largest request, in bytes; a larger one closes the connection."),
    option<&B::fetch_max_bytes>("fetch.max.bytes", at_least(1024), "Most record bytes in one fetch answer, whatever the client asks for."),
    option<&B::max_incremental_fetch_session_cache_slots>("max.incremental.fetch.session.cache.slots", at_least(0),
                                                          "Fetch sessions kept; with 0 every fetch is a full one."),
    option<&B::max_request_partition_size_limit>("max.request.partition.size.limit", at_least(1),
                                                 "Most partitions in one answer to a request that can be asked in pages."),
    option<&B::max_request_elements>("max.request.elements", at_least(1000),
                                     "Most topics, partitions and other array elements in one request, taken together; more close the "
                                     "connection.")
        .ours(),
    option<&B::quota_window_num>("quota.window.num", at_least(1),
                                 "How many samples a client's rate is counted over; more than 1000 count as 1000."),
    option<&B::quota_window_size_seconds>(
        "quota.window.size.seconds", at_least(1),
        "Length of a sample, an hour at most. A client over its quota waits at most for all of them, and for one "
        "where it is over its share of time."),
    option<&B::disk_reserve_bytes>(
        "disk.reserve.bytes", at_least(0),
        "Kept back in each log directory, as a file that nobody reads: when the disk is full, it is what deletions, new "
        "settings and a start are written into. 0: none.")
        .ours(),
    option<&B::journal_bytes>("journal.bytes", at_least(0),
                              "Most that the journal of each log directory takes, and never more than a hundredth of the disk: with "
                              "it, records of many partitions are made durable by one write. Made when it would first be of use. 0: none.")
        .ours(),
    option<&B::memory_budget_bytes>("memory.budget.bytes", at_least(4 << 20), "Bytes that the three below are shares of.").ours(),
    option<&B::queued_max_request_bytes>("queued.max.request.bytes", at_least(-1),
                                         "Pool for requests being read or served; when it is empty sockets are not read. -1: a quarter of "
                                         "`memory.budget.bytes`. (Kafka's -1 is no limit.) Not below `socket.request.max.bytes`."),
    option<&B::response_memory_bytes>("response.memory.bytes", at_least(-1),
                                      "Pool for answers that are not yet sent. -1: a quarter of `memory.budget.bytes`.")
        .ours(),
    option<&B::group_memory_bytes>("group.memory.bytes", at_least(-1),
                                   "What groups may keep in memory: members and committed offsets. When it is used up, what is kept stays "
                                   "and can be changed, and more of it is refused; the last quarter is for groups that are there. -1: a "
                                   "sixteenth of `memory.budget.bytes`.")
        .ours()
        .cluster_wide(),
    option<&B::group_view_bytes>(
        "group.view.bytes", at_least(0),
        "What a partition of `__consumer_offsets` comes to is written beside its log whenever it has grown by so "
        "much: a start reads that, and of the log only what came later. 0: never, and a start reads the whole log even if there is one.")
        .ours()
        .cluster_wide(),
    option<&B::max_connections>("max.connections", at_least(0), "Connections open at once. (Kafka has no limit by default.)")
        .cluster_wide(),
    option<&B::max_connections_per_ip>("max.connections.per.ip", at_least(0),
                                       "Connections open at once from one address, or one /64 of IPv6. (Kafka has no limit by default.)")
        .cluster_wide(),
    option<&B::max_connection_creation_rate>(
        "max.connection.creation.rate", at_least(0),
        "New connections a second from one address, or one /64 of IPv6; more are closed at once. 0: no limit. (Kafka counts all "
        "addresses together and has no limit by default.)")
        .cluster_wide(),
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
                                          "A client that takes less than 64 KiB of its answers in so long is disconnected.")
        .ours(),
    option<&B::log_level>("log.level", any_value(), "Least severe line that is logged to stderr. The line that says it serves always is.")
        .ours(),
    option<&B::log_format>("log.format", any_value(), "`text` for people, `json` for collectors: one object a line.").ours(),
};

}  // namespace

std::span<const BrokerOption> served_options() { return kTable; }

}  // namespace tidelog::broker
