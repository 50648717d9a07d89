#pragma once

#include "broker/net/connection.h"
#include "broker/partition/services.h"
#include "proto/codec/api_table.h"
#include "proto/codec/frame.h"
#include "proto/error_code.h"

#include <algorithm>
#include <string>

namespace tidelog::broker {

class FetchSessionCache;

/// Counts what the request took against its client's quota; how many milliseconds the client shall wait (request_quota.h).
std::int32_t settle(RequestQuota& quota);

/// What a handler is given besides its request. Thread: the shard of the connection.
struct HandlerContext {
  const Node& node;
  ShardServices& here;
  Connection& connection;
  FetchSessionCache& fetch_sessions;

  [[nodiscard]] Loop& loop() const { return here.shard.loop(); }
  [[nodiscard]] const Image& image() const { return *here.image; }
};

/// Writes a whole response frame. No seam between begin and end: the queue may be drained at any `co_await`.
template <class Message>
void write_response(const Request& request, const Message& message, SendQueue& to) {
  proto::Output& out = to.output();
  const std::size_t start = proto::begin_response(out, request.header.api_key, request.header.api_version, request.header.correlation_id);
  encode(message, request.header.api_version, out);
  proto::end_response(out, start);
}

/// Answers a request, and says so if its client is over its share of the loops' time. An answer that has no field for it (SASL) says
/// nothing, and the connection rests all the same.
template <class Message>
void respond(const Request& request, const Message& message, SendQueue& to) {
  if (request.quota == nullptr) [[likely]]
    return write_response(request, message, to);
  const std::int32_t wait_ms = settle(*request.quota);
  Message told = message;
  if constexpr (requires { told.throttle_time_ms; }) told.throttle_time_ms = std::max(message.throttle_time_ms, wait_ms);
  write_response(request, told, to);
}

/// Before what may take long: the peer's bytes go, and with them every view into the request. Its client id, shortened, goes on in
/// `client_id`.
void let_go_of(Request& request, Connection& connection, std::string& client_id);

/// The address a client shall use for this node.
Endpoint address_for(const HandlerContext& context);

using Handle = asio::awaitable<Outcome>;

Handle handle_api_versions(HandlerContext context, Request request, SendQueue& to);
Handle handle_metadata(HandlerContext context, Request request, SendQueue& to);
Handle handle_fetch(HandlerContext context, Request request, SendQueue& to);
Handle handle_list_offsets(HandlerContext context, Request request, SendQueue& to);
Handle handle_offset_for_leader_epoch(HandlerContext context, Request request, SendQueue& to);
Handle handle_create_topics(HandlerContext context, Request request, SendQueue& to);
Handle handle_delete_topics(HandlerContext context, Request request, SendQueue& to);
Handle handle_delete_records(HandlerContext context, Request request, SendQueue& to);
Handle handle_describe_producers(HandlerContext context, Request request, SendQueue& to);
Handle handle_describe_log_dirs(HandlerContext context, Request request, SendQueue& to);
Handle handle_create_partitions(HandlerContext context, Request request, SendQueue& to);
Handle handle_init_producer_id(HandlerContext context, Request request, SendQueue& to);
Handle handle_describe_client_quotas(HandlerContext context, Request request, SendQueue& to);
Handle handle_alter_client_quotas(HandlerContext context, Request request, SendQueue& to);
Handle handle_describe_cluster(HandlerContext context, Request request, SendQueue& to);
Handle handle_find_coordinator(HandlerContext context, Request request, SendQueue& to);
Handle handle_join_group(HandlerContext context, Request request, SendQueue& to);
Handle handle_sync_group(HandlerContext context, Request request, SendQueue& to);
Handle handle_heartbeat(HandlerContext context, Request request, SendQueue& to);
Handle handle_leave_group(HandlerContext context, Request request, SendQueue& to);
Handle handle_offset_commit(HandlerContext context, Request request, SendQueue& to);
Handle handle_offset_fetch(HandlerContext context, Request request, SendQueue& to);
Handle handle_offset_delete(HandlerContext context, Request request, SendQueue& to);
Handle handle_list_groups(HandlerContext context, Request request, SendQueue& to);
Handle handle_describe_groups(HandlerContext context, Request request, SendQueue& to);
Handle handle_delete_groups(HandlerContext context, Request request, SendQueue& to);
Handle handle_consumer_group_heartbeat(HandlerContext context, Request request, SendQueue& to);
Handle handle_consumer_group_describe(HandlerContext context, Request request, SendQueue& to);
Handle handle_describe_acls(HandlerContext context, Request request, SendQueue& to);
Handle handle_create_acls(HandlerContext context, Request request, SendQueue& to);
Handle handle_delete_acls(HandlerContext context, Request request, SendQueue& to);
Handle handle_sasl_handshake(HandlerContext context, Request request, SendQueue& to);
Handle handle_sasl_authenticate(HandlerContext context, Request request, SendQueue& to);
Handle handle_describe_configs(HandlerContext context, Request request, SendQueue& to);
Handle handle_alter_configs(HandlerContext context, Request request, SendQueue& to);
Handle handle_incremental_alter_configs(HandlerContext context, Request request, SendQueue& to);
Handle handle_list_config_resources(HandlerContext context, Request request, SendQueue& to);
Handle handle_describe_topic_partitions(HandlerContext context, Request request, SendQueue& to);

}  // namespace tidelog::broker
