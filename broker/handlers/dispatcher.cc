#include "broker/handlers/dispatcher.h"

#include "broker/handlers/admission.h"
#include "broker/handlers/request_quota.h"

namespace tidelog::broker {
namespace {

bool is_served(const proto::RequestHeader& header) {
  const proto::ApiInfo* api = proto::find_api(header.api_key);
  return api != nullptr && header.api_version >= api->min_version && header.api_version <= api->max_version;
}

/// This shard's part of the sessions that the node may hold.
std::size_t session_slots(const Node& node) {
  const auto slots = static_cast<std::size_t>(node.options.max_incremental_fetch_session_cache_slots);
  return (slots + node.shards.size() - 1) / node.shards.size();
}

/// What a shard's fetch sessions may take of memory.
std::size_t session_bytes(Shard& shard) { return shard.response_budget()->limit_bytes() / 4; }

}  // namespace

Dispatcher::Dispatcher(const Node& node, ShardServices& here)
    : node_(node), here_(here), produce_(node, here), fetch_sessions_(session_slots(node), session_bytes(here.shard)) {}

RequestHandler::Started Dispatcher::produce(Connection& connection, Request& request, std::unique_ptr<PendingResponse>& response) {
  return produce_.start(connection, request, response);
}

asio::awaitable<std::unique_ptr<PendingResponse>> Dispatcher::produce_later(Connection& connection, Request request) {
  return produce_.start_later(connection, std::move(request));
}

asio::awaitable<Outcome> Dispatcher::serve(Connection& connection, Request request, SendQueue& to) {
  if (may_pay_for_time(here_, connection)) [[unlikely]]
    return serve_timed(connection, std::move(request), to);
  return serve_untimed(connection, std::move(request), to);
}

asio::awaitable<Outcome> Dispatcher::serve_timed(Connection& connection, Request request, SendQueue& to) {
  RequestQuota quota(node_.shards, here_, connection, request.header);
  if (quota.is_limited()) request.quota = &quota;
  const WorkTime::Piece piece(connection.client().payer(), here_.shard.loop());
  co_return co_await serve_untimed(connection, std::move(request), to);
}

asio::awaitable<Outcome> Dispatcher::serve_untimed(Connection& connection, Request request, SendQueue& to) {
  if (request.body.size() <= kSmallBodyBytes || !is_served(request.header)) return route(connection, std::move(request), to);
  return serve_large(connection, std::move(request), to);
}

asio::awaitable<Outcome> Dispatcher::serve_large(Connection& connection, Request request, SendQueue& to) {
  if (!co_await admit(context_of(connection), request)) co_return Outcome::close;
  co_return co_await route(connection, std::move(request), to);
}

asio::awaitable<Outcome> Dispatcher::route(Connection& connection, Request request, SendQueue& to) {
  const HandlerContext context = context_of(connection);
  const auto key = static_cast<proto::ApiKey>(request.header.api_key);
  // ApiVersions answers every version: it is how a client learns which ones there are.
  if (key == proto::ApiKey::api_versions) return handle_api_versions(context, std::move(request), to);
  if (is_served(request.header)) {
    switch (key) {
      case proto::ApiKey::metadata: return handle_metadata(context, std::move(request), to);
      case proto::ApiKey::fetch: return handle_fetch(context, std::move(request), to);
      case proto::ApiKey::list_offsets: return handle_list_offsets(context, std::move(request), to);
      case proto::ApiKey::offset_for_leader_epoch: return handle_offset_for_leader_epoch(context, std::move(request), to);
      case proto::ApiKey::create_topics: return handle_create_topics(context, std::move(request), to);
      case proto::ApiKey::delete_topics: return handle_delete_topics(context, std::move(request), to);
      case proto::ApiKey::delete_records: return handle_delete_records(context, std::move(request), to);
      case proto::ApiKey::describe_producers: return handle_describe_producers(context, std::move(request), to);
      case proto::ApiKey::describe_log_dirs: return handle_describe_log_dirs(context, std::move(request), to);
      case proto::ApiKey::create_partitions: return handle_create_partitions(context, std::move(request), to);
      case proto::ApiKey::describe_client_quotas: return handle_describe_client_quotas(context, std::move(request), to);
      case proto::ApiKey::alter_client_quotas: return handle_alter_client_quotas(context, std::move(request), to);
      case proto::ApiKey::init_producer_id: return handle_init_producer_id(context, std::move(request), to);
      case proto::ApiKey::describe_cluster: return handle_describe_cluster(context, std::move(request), to);
      case proto::ApiKey::find_coordinator: return handle_find_coordinator(context, std::move(request), to);
      case proto::ApiKey::join_group: return handle_join_group(context, std::move(request), to);
      case proto::ApiKey::sync_group: return handle_sync_group(context, std::move(request), to);
      case proto::ApiKey::heartbeat: return handle_heartbeat(context, std::move(request), to);
      case proto::ApiKey::leave_group: return handle_leave_group(context, std::move(request), to);
      case proto::ApiKey::offset_commit: return handle_offset_commit(context, std::move(request), to);
      case proto::ApiKey::offset_fetch: return handle_offset_fetch(context, std::move(request), to);
      case proto::ApiKey::offset_delete: return handle_offset_delete(context, std::move(request), to);
      case proto::ApiKey::list_groups: return handle_list_groups(context, std::move(request), to);
      case proto::ApiKey::describe_groups: return handle_describe_groups(context, std::move(request), to);
      case proto::ApiKey::delete_groups: return handle_delete_groups(context, std::move(request), to);
      case proto::ApiKey::consumer_group_heartbeat: return handle_consumer_group_heartbeat(context, std::move(request), to);
      case proto::ApiKey::consumer_group_describe: return handle_consumer_group_describe(context, std::move(request), to);
      case proto::ApiKey::describe_acls: return handle_describe_acls(context, std::move(request), to);
      case proto::ApiKey::create_acls: return handle_create_acls(context, std::move(request), to);
      case proto::ApiKey::delete_acls: return handle_delete_acls(context, std::move(request), to);
      case proto::ApiKey::sasl_handshake: return handle_sasl_handshake(context, std::move(request), to);
      case proto::ApiKey::sasl_authenticate: return handle_sasl_authenticate(context, std::move(request), to);
      case proto::ApiKey::describe_configs: return handle_describe_configs(context, std::move(request), to);
      case proto::ApiKey::alter_configs: return handle_alter_configs(context, std::move(request), to);
      case proto::ApiKey::incremental_alter_configs: return handle_incremental_alter_configs(context, std::move(request), to);
      case proto::ApiKey::list_config_resources: return handle_list_config_resources(context, std::move(request), to);
      case proto::ApiKey::describe_topic_partitions: return handle_describe_topic_partitions(context, std::move(request), to);
      default: break;
    }
  }
  // An error body cannot be encoded in a version nobody here knows.
  return [](Connection& refused, proto::RequestHeader header) -> asio::awaitable<Outcome> {
    refused.note_close_reason("it asked for API key " + std::to_string(header.api_key) + " version " + std::to_string(header.api_version) +
                              ", which this broker does not serve");
    co_return Outcome::close;
  }(connection, request.header);
}

void Dispatcher::closed(Connection& connection) { fetch_sessions_.close(connection.client().fetch_session_id); }

}  // namespace tidelog::broker
