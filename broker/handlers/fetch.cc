#include "broker/handlers/fetch_reader.h"
#include "broker/handlers/fetch_session_cache.h"
#include "broker/handlers/handler.h"
#include "broker/handlers/request_quota.h"
#include "broker/handlers/warm_slices.h"
#include "broker/shard/let_others_go_on.h"
#include "proto/messages/fetch_request.h"
#include "proto/messages/fetch_response.h"

#include <algorithm>
#include <array>
#include <optional>

namespace tidelog::broker {
namespace {

using proto::FetchRequest;
using proto::FetchResponse;

constexpr std::int16_t kFirstVersionWithIds = 13;
constexpr std::int16_t kFirstVersionWithLeaders = 16;  ///< Together with their addresses (KIP-951).
constexpr std::int32_t kFinalEpoch = -1;               ///< A full fetch that ends the session it names.
constexpr std::int32_t kInitialEpoch = 0;              ///< A full fetch that would like a session.
constexpr std::size_t kCopyLimitBytes = 4096;          ///< Up to here copying is cheaper than sendfile (R15).
/// A peer that is gone is noticed only when the wait is over, so no wait is endless.
constexpr SteadyTime kLongestWait = std::chrono::minutes(5);
/// With what all shards share nobody waits long for records.
constexpr SteadyTime kLongestOverdraftWait = std::chrono::seconds(1);
constexpr std::size_t kMostCopies = 256;
constexpr std::size_t kManyPartitions = 1000;
constexpr std::byte kNothing{};

/// One fetch, from request to response.
class Fetch {
 public:
  Fetch(HandlerContext context, Request& request) : context_(context), request_(request) {}

  /// Reads the request and brings the session up to date; an outcome if it is answered thereby.
  std::optional<Outcome> begin(SendQueue& to);
  void ask_for_items();
  [[nodiscard]] std::vector<FetchQuery>& queries() { return queries_; }
  [[nodiscard]] FetchReader::Limits limits(const ClientQuota& quota) const;
  /// Before a wait for records, which may be long: the peer's bytes go, and the little that the answer needs of them is kept.
  void let_go_of_request();
  /// Counts what was read, or answers that the client has to wait.
  bool is_throttled(ClientQuota& quota, SendQueue& to);
  void respond_with_data(SendQueue& to);

  /// So many partitions keep a loop busy for milliseconds, so others get their turn between two steps.
  [[nodiscard]] bool is_large() { return asked().size() > kManyPartitions; }

 private:
  struct Asked {
    FetchItem* item;  ///< Of the session, or of `one_time_`.
    std::list<FetchItem>::iterator place;
  };

  ErrorCode resolve_session();
  void start_session();
  void note_no_session(std::string_view why);
  FetchQuery to_query(const FetchItem& item) const;
  bool is_news(const Asked& asked, const FetchQuery& query) const;
  void keep_in_session(const Asked& asked, const FetchQuery& query);
  void respond_with_error(ErrorCode error, SendQueue& to);
  void respond_throttled(std::int32_t throttle_time_ms, SendQueue& to);
  [[nodiscard]] double record_bytes() const;
  FetchResponse::PartitionData answer(const FetchQuery& query, SendQueue& to);
  proto::Records records(const storage::Slice& slice, SendQueue& to, FetchResponse::PartitionData& data);
  void add_node_endpoint(FetchResponse& response);

  [[nodiscard]] FetchSession& asked() { return session_ != nullptr ? *session_ : one_time_; }
  [[nodiscard]] bool by_id() const { return request_.header.api_version >= kFirstVersionWithIds; }
  [[nodiscard]] bool is_known_isolation() const { return message_.isolation_level == 0 || message_.isolation_level == 1; }
  [[nodiscard]] ClientState& client() const { return context_.connection.client(); }

  HandlerContext context_;
  Request& request_;
  FetchRequest message_;                   ///< Its texts and arrays are good until the request is let go.
  std::string client_id_;                  ///< From then on.
  std::shared_ptr<FetchSession> session_;  ///< Null: a fetch without one.
  FetchSession one_time_{0, false, {}};
  bool is_incremental_ = false;
  bool has_session_ = false;  ///< It goes on after this answer.
  std::vector<Asked> asked_;
  std::vector<FetchQuery> queries_;

  // What the response's views point to.
  std::vector<std::unique_ptr<std::byte[]>> copied_;
  std::vector<FetchResponse::PartitionData> partitions_;
  std::vector<FetchResponse::FetchableTopicResponse> topics_;
  std::array<FetchResponse::NodeEndpoint, 1> endpoints_;
  Endpoint address_;
};

ErrorCode Fetch::resolve_session() {
  const std::int32_t held = client().fetch_session_id;
  if (message_.session_epoch == kFinalEpoch || message_.session_epoch == kInitialEpoch) {
    // A full fetch ends the session it names; one that would like a session gets it instead of whatever this connection had.
    if (message_.session_id == held || message_.session_epoch == kInitialEpoch) context_.fetch_sessions.close(held);
    if (message_.session_epoch == kInitialEpoch) start_session();
    return ErrorCode::none;
  }
  const std::shared_ptr<FetchSession> named = message_.session_id == held ? context_.fetch_sessions.find(held) : nullptr;
  if (named == nullptr) return ErrorCode::fetch_session_id_not_found;
  if (named->epoch() != message_.session_epoch) return ErrorCode::invalid_fetch_session_epoch;
  if (named->uses_topic_ids() != by_id()) return ErrorCode::fetch_session_topic_id_error;
  session_ = named;
  is_incremental_ = true;
  return ErrorCode::none;
}

/// No session is always a legal answer: the client goes on with full fetches.
void Fetch::start_session() {
  std::size_t partitions = 0;
  for (const auto& topic : message_.topics) partitions += topic.partitions.size();
  std::array<std::byte, 4> random;
  context_.here.shard.env().random().fill(random);
  session_ = context_.fetch_sessions.open(load_be<std::int32_t>(random.data()), by_id(), partitions, context_.loop().now());
  client().fetch_session_id = session_ == nullptr ? 0 : session_->id();
  const bool are_wanted = context_.here.options->max_incremental_fetch_session_cache_slots > 0;
  if (session_ == nullptr && are_wanted) note_no_session("all are taken");
}

void Fetch::note_no_session(std::string_view why) {
  const Endpoint peer = context_.connection.peer();
  context_.here.shard.limits().hit(Limit::fetch_session_slots, context_.loop().now(), "no fetch session for {}:{}: {}", peer.host,
                                   peer.port, why);
}

FetchQuery Fetch::to_query(const FetchItem& item) const {
  FetchQuery query{.id = item.id,
                   .fetch_offset = item.fetch_offset,
                   .max_bytes = item.max_bytes,
                   .current_leader_epoch = item.current_leader_epoch,
                   .last_fetched_epoch = item.last_fetched_epoch};
  const TopicImage* topic = by_id() ? context_.image().find_topic(item.id.topic_id) : context_.image().find_topic(*item.topic);
  const std::int32_t index = item.id.partition.value;
  if (topic == nullptr) {
    query.error = by_id() ? ErrorCode::unknown_topic_id : ErrorCode::unknown_topic_or_partition;
  } else if (index < 0 || static_cast<std::size_t>(index) >= topic->partitions.size()) {
    query.error = ErrorCode::unknown_topic_or_partition;
  } else {
    query.id.topic_id = topic->id;
    query.leader_epoch = topic->partitions[static_cast<std::size_t>(index)].leader_epoch.value;
  }
  return query;
}

std::optional<Outcome> Fetch::begin(SendQueue& to) {
  if (!decode(request_.body, request_.header.api_version, message_)) {
    context_.connection.note_close_reason("a fetch request could not be read");
    return Outcome::close;
  }
  if (const ErrorCode error = resolve_session(); error != ErrorCode::none) {
    respond_with_error(error, to);
    return Outcome::keep;
  }
  if (session_ != nullptr) {
    has_session_ = context_.fetch_sessions.update(*session_, message_, context_.loop().now());
    if (!has_session_ && session_->size() > 0) note_no_session("those there are have all the memory");
  } else {
    one_time_.update(message_);
  }
  return std::nullopt;
}

FetchReader::Limits Fetch::limits(const ClientQuota& quota) const {
  std::int64_t max_bytes = std::min<std::int64_t>(message_.max_bytes, context_.node.options.fetch_max_bytes);
  if (quota.is_limited()) max_bytes = static_cast<std::int64_t>(std::min(static_cast<double>(max_bytes), quota.burst()));
  return {.min_bytes = std::min<std::int64_t>(message_.min_bytes, max_bytes),
          .max_bytes = max_bytes,
          .max_wait = std::min<SteadyTime>(std::chrono::milliseconds(std::max(message_.max_wait_ms, 0)),
                                           context_.connection.laid_out().is_overdraft() ? kLongestOverdraftWait : kLongestWait)};
}

void Fetch::let_go_of_request() {
  message_.topics = {};
  message_.forgotten_topics_data = {};
  message_.cluster_id = message_.rack_id = {};
  let_go_of(request_, context_.connection, client_id_);
}

bool Fetch::is_throttled(ClientQuota& quota, SendQueue& to) {
  if (!quota.is_limited()) return false;
  const ClientQuota::Time wait = quota.charge_or_wait(record_bytes());
  const std::int32_t throttle_time_ms =
      throttle(context_.connection, context_.here, request_.header, {.key = kConsumerByteRate, .time = wait});
  if (throttle_time_ms > 0) respond_throttled(throttle_time_ms, to);
  return throttle_time_ms > 0;
}

double Fetch::record_bytes() const {
  double bytes = 0;
  for (const FetchQuery& query : queries_) bytes += static_cast<double>(query.slice.size_bytes);
  return bytes;
}

/// No records for now: the client asks again for the same ones when its time is over (KIP-219).
void Fetch::respond_throttled(std::int32_t throttle_time_ms, SendQueue& to) {
  FetchResponse response;
  response.throttle_time_ms = throttle_time_ms;
  if (is_incremental_) {
    response.session_id = has_session_ ? session_->id() : 0;
    session_->next_epoch();
  } else if (has_session_) {
    // An answer to a full fetch that names no partition begins no session.
    context_.fetch_sessions.close(session_->id());
    client().fetch_session_id = 0;
  }
  respond(request_, response, to);
}

void Fetch::ask_for_items() {
  FetchSession& session = asked();
  const bool from_replica = message_.replica_id >= 0 || message_.replica_state.replica_id >= 0;
  asked_.reserve(session.size());
  queries_.reserve(session.size());
  for (auto item = session.items().begin(); item != session.items().end(); ++item) {
    asked_.push_back({.item = &*item, .place = item});
    FetchQuery& query = queries_.emplace_back(to_query(*item));
    // Only brokers fetch as replicas, and this node has none beside it.
    if (from_replica && query.error == ErrorCode::none) query.error = ErrorCode::not_leader_or_follower;
    if (!is_known_isolation()) query.error = ErrorCode::invalid_request;
  }
}

void Fetch::respond_with_error(ErrorCode error, SendQueue& to) {
  FetchResponse response;
  response.error_code = static_cast<std::int16_t>(error);
  respond(request_, response, to);
}

bool Fetch::is_news(const Asked& asked, const FetchQuery& query) const {
  if (!is_incremental_) return true;
  return query.error != ErrorCode::none || query.slice.size_bytes > 0 || query.diverging_end >= 0 ||
         query.high_watermark != asked.item->told_high_watermark || query.log_start != asked.item->told_log_start;
}

void Fetch::keep_in_session(const Asked& asked, const FetchQuery& query) {
  if (session_ == nullptr) return;
  asked.item->told_high_watermark = query.high_watermark;
  asked.item->told_log_start = query.log_start;
  if (query.slice.size_bytes > 0) session_->move_to_end(asked.place);
}

proto::Records Fetch::records(const storage::Slice& slice, SendQueue& to, FetchResponse::PartitionData& data) {
  if (slice.size_bytes == 0) return {.bytes = {&kNothing, 0}};
  // Many small pieces are memory too: beyond a little of it they go from the file like large ones.
  if (slice.size_bytes > kCopyLimitBytes || copied_.size() >= kMostCopies) {
    const std::uint32_t token = to.add({.file = slice.file, .position = slice.position, .size_bytes = slice.size_bytes});
    return {.bytes = {&kNothing, 0}, .external_bytes = slice.size_bytes, .external_token = token};
  }
  const auto size = static_cast<std::size_t>(slice.size_bytes);
  copied_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
  const MutableBytes into{copied_.back().get(), size};
  const Result<std::size_t> read = slice.file->read_at(slice.position, into);
  if (read && *read == size) return {.bytes = into};
  data.error_code = static_cast<std::int16_t>(ErrorCode::kafka_storage_error);
  return {.bytes = {&kNothing, 0}};
}

FetchResponse::PartitionData Fetch::answer(const FetchQuery& query, SendQueue& to) {
  FetchResponse::PartitionData data;
  data.partition_index = query.id.partition.value;
  data.error_code = static_cast<std::int16_t>(query.error);
  data.high_watermark = query.high_watermark;
  data.last_stable_offset = query.high_watermark;  // No transactions yet, so nothing is unstable below it.
  data.log_start_offset = query.log_start;
  // Null says that nobody looked for them. What is not there has none, so nobody needs to look.
  const bool is_missing = query.error == ErrorCode::unknown_topic_id || query.error == ErrorCode::unknown_topic_or_partition;
  const bool lists_aborted = message_.isolation_level != 0 || is_missing;
  data.aborted_transactions =
      lists_aborted ? proto::Array<FetchResponse::AbortedTransaction>() : proto::Array<FetchResponse::AbortedTransaction>::null();
  if (query.diverging_end >= 0) {
    data.diverging_epoch.epoch = query.diverging_epoch;
    data.diverging_epoch.end_offset = query.diverging_end;
  }
  const bool leader_helps = query.error == ErrorCode::fenced_leader_epoch || query.error == ErrorCode::not_leader_or_follower;
  if (leader_helps && query.leader_epoch >= 0 && request_.header.api_version >= kFirstVersionWithLeaders) {
    data.current_leader.leader_id = context_.node.id.value;
    data.current_leader.leader_epoch = query.leader_epoch;
    address_ = address_for(context_);
  }
  data.records = records(query.slice, to, data);
  return data;
}

void Fetch::add_node_endpoint(FetchResponse& response) {
  if (address_.host.empty()) return;
  endpoints_[0].node_id = context_.node.id.value;
  endpoints_[0].host = address_.host;
  endpoints_[0].port = address_.port;
  response.node_endpoints = std::span<const FetchResponse::NodeEndpoint>(endpoints_);
}

void Fetch::respond_with_data(SendQueue& to) {
  partitions_.reserve(queries_.size());  // Spans into it are taken below.
  std::size_t begin = 0;
  const auto close_topic = [&] {
    if (begin == partitions_.size()) return;
    topics_.back().partitions = std::span<const FetchResponse::PartitionData>(partitions_).subspan(begin);
    begin = partitions_.size();
  };
  for (std::size_t i = 0; i < queries_.size(); ++i) {
    const FetchItem& item = *asked_[i].item;
    if (!is_news(asked_[i], queries_[i])) continue;
    const bool same_topic =
        begin != partitions_.size() && topics_.back().topic == *item.topic && topics_.back().topic_id == item.id.topic_id;
    if (!same_topic) {
      close_topic();
      topics_.push_back({.topic = *item.topic, .topic_id = item.id.topic_id});
    }
    partitions_.push_back(answer(queries_[i], to));
    // A range that could not be read was not told either.
    keep_in_session(asked_[i], queries_[i]);
  }
  close_topic();
  FetchResponse response;
  response.error_code = static_cast<std::int16_t>(is_known_isolation() ? ErrorCode::none : ErrorCode::invalid_request);
  response.session_id = has_session_ ? session_->id() : 0;
  response.responses = std::span<const FetchResponse::FetchableTopicResponse>(topics_);
  add_node_endpoint(response);
  respond(request_, response, to);
  if (is_incremental_) session_->next_epoch();
}

}  // namespace

Handle handle_fetch(HandlerContext context, Request request, SendQueue& to) {
  Fetch fetch(context, request);
  if (const std::optional<Outcome> answered = fetch.begin(to)) co_return *answered;
  if (fetch.is_large()) co_await let_others_go_on(context.loop());
  fetch.ask_for_items();
  if (fetch.is_large()) co_await let_others_go_on(context.loop());
  ClientQuota quota(context.node.shards, context.here, request.header, kConsumerByteRate);
  FetchReader reader(context, fetch.queries(), fetch.limits(quota));
  if (!reader.read_here()) co_await reader.read();
  if (!reader.is_enough()) {
    fetch.let_go_of_request();
    co_await reader.wait();
  }
  if (fetch.is_throttled(quota, to)) co_return Outcome::keep;
  std::vector<FetchQuery*> cold = cold_queries(fetch.queries());
  if (!cold.empty()) co_await warm_slices(context, std::move(cold));
  if (fetch.is_large()) co_await let_others_go_on(context.loop());
  fetch.respond_with_data(to);
  co_return Outcome::keep;
}

}  // namespace tidelog::broker
